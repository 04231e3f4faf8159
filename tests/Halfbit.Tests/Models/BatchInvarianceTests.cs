using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Tests.Models;

/// <summary>A row's logits are the same bits however its sequence is cut, cached or batched, and for any number of threads.</summary>
public sealed class BatchInvarianceTests
{
    public static TheoryData<string> Probes => ["probe-llama2-gqa", "probe-llama3", "probe-mistral", "probe-qwen2", "probe-opt", "probe-opt350"];

    [Theory]
    [MemberData(nameof(Probes))]
    public void One_token_at_a_time_gives_the_bits_of_the_whole_sequence(string name)
    {
        using var probe = new Probe(name);
        Matrix expected = probe.Decoder.Logits(probe.Ids);
        AssertSameBits(expected, InPieces(probe, [.. Enumerable.Repeat(1, 64)]));
    }

    [Theory]
    [MemberData(nameof(Probes))]
    public void Pieces_of_any_length_give_the_bits_of_the_whole_sequence(string name)
    {
        using var probe = new Probe(name);
        Matrix expected = probe.Decoder.Logits(probe.Ids);
        AssertSameBits(expected, InPieces(probe, [7, 1, 23, 17, 16]));
        AssertSameBits(expected, InPieces(probe, [64]));
    }

    [Theory]
    [MemberData(nameof(Probes))]
    public void Sequences_of_one_batch_do_not_see_each_other(string name)
    {
        using var probe = new Probe(name);
        Decoder decoder = probe.Decoder;
        int[] other = [.. probe.Ids.Reverse()];
        Matrix expected = decoder.Logits(probe.Ids);
        Matrix expectedOther = decoder.Logits(other);

        // In one pass: the end of a cached sequence, a whole one, and one new token of another cached one.
        KeyValueCache first = decoder.NewCache(64);
        KeyValueCache second = decoder.NewCache(80);
        var batch = new SequenceBatch();
        batch.Add(probe.Ids.AsSpan(0, 40), first);
        batch.Add(other.AsSpan(0, 63), second);
        decoder.Forward(batch);
        batch.Clear();
        batch.Add(probe.Ids.AsSpan(40), first);
        batch.Add(other);
        batch.Add(other.AsSpan(63), second);
        Matrix logits = new(batch.RowCount, decoder.Config.VocabularySize);
        decoder.Logits(decoder.Forward(batch), 0, batch.RowCount, logits);

        AssertSameBits(Matrix.CopyOf(expected.View.RowRange(40, 24)), Matrix.CopyOf(logits.View.RowRange(0, 24)));
        AssertSameBits(expectedOther, Matrix.CopyOf(logits.View.RowRange(24, 64)));
        AssertSameBits(Matrix.CopyOf(expectedOther.View.RowRange(63, 1)), Matrix.CopyOf(logits.View.RowRange(88, 1)));
    }

    [Theory]
    [MemberData(nameof(Probes))]
    public void The_number_of_threads_changes_no_bit(string name)
    {
        using var probe = new Probe(name);
        int threads = RowParallel.Threads;
        try
        {
            RowParallel.Threads = 1;
            Matrix expected = probe.Decoder.Logits(probe.Ids);
            foreach (int count in (int[])[2, 3, 7])
            {
                RowParallel.Threads = count;
                AssertSameBits(expected, probe.Decoder.Logits(probe.Ids));
                AssertSameBits(expected, InPieces(probe, [61, 1, 1, 1]));
            }
        }
        finally
        {
            RowParallel.Threads = threads;
        }
    }

    [Fact]
    public void A_truncated_cache_goes_on_from_there()
    {
        using var probe = new Probe("probe-mistral");
        Matrix expected = probe.Decoder.Logits(probe.Ids);
        KeyValueCache cache = probe.Decoder.NewCache(64);
        Run(probe, cache, [.. probe.Ids.Take(30), .. probe.Ids.Take(20)]);
        cache.Truncate(30);
        AssertSameBits(Matrix.CopyOf(expected.View.RowRange(30, 34)), Run(probe, cache, probe.Ids.AsSpan(30)));
        Assert.Equal(64, cache.Length);
        cache.Reset();
        AssertSameBits(expected, Run(probe, cache, probe.Ids));
    }

    [Fact]
    public void More_tokens_than_the_cache_holds_are_refused()
    {
        using var probe = new Probe("probe-opt");
        KeyValueCache cache = probe.Decoder.NewCache(10);
        Run(probe, cache, probe.Ids.AsSpan(0, 8));
        var exception = Assert.Throws<ArgumentException>(() => new SequenceBatch().Add(probe.Ids.AsSpan(0, 3), cache));
        Assert.Contains("8 + 3 tokens do not fit in a cache of 10", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new SequenceBatch([]));
        var batch = new SequenceBatch();
        batch.Add([1], cache);
        Assert.Throws<ArgumentException>(() => batch.Add([1], cache));
    }

    private static Matrix InPieces(Probe probe, int[] lengths)
    {
        KeyValueCache cache = probe.Decoder.NewCache(probe.Ids.Length);
        var logits = new Matrix(probe.Ids.Length, probe.Decoder.Config.VocabularySize);
        int start = 0;
        foreach (int length in lengths)
        {
            Matrix piece = Run(probe, cache, probe.Ids.AsSpan(start, length));
            piece.View.CopyTo(logits.View.RowRange(start, length));
            start += length;
        }

        Assert.Equal(probe.Ids.Length, start);
        return logits;
    }

    private static Matrix Run(Probe probe, KeyValueCache cache, ReadOnlySpan<int> ids)
    {
        var batch = new SequenceBatch();
        batch.Add(ids, cache);
        var logits = new Matrix(ids.Length, probe.Decoder.Config.VocabularySize);
        probe.Decoder.Logits(probe.Decoder.Forward(batch), 0, ids.Length, logits);
        return logits;
    }

    private static void AssertSameBits(Matrix expected, Matrix actual)
    {
        Assert.Equal((expected.Rows, expected.Columns), (actual.Rows, actual.Columns));
        for (int i = 0; i < expected.Data.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected.Data[i]) != BitConverter.SingleToInt32Bits(actual.Data[i]))
                Assert.Fail($"row {i / expected.Columns}, column {i % expected.Columns}: expected {expected.Data[i]:g9}, actual {actual.Data[i]:g9}");
        }
    }
}
