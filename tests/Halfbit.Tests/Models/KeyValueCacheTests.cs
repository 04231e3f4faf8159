using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Models;

public sealed class KeyValueCacheTests
{
    private static readonly int[] Tokens = [.. Enumerable.Range(0, 60).Select(t => (t * 37) % 250)];

    [Fact]
    public void A_cache_of_eight_bits_comes_near_that_of_single_precision_in_under_a_third_of_its_memory()
    {
        using var folder = new TemporaryFolder();
        using ModelFolder model = ModelFolder.Open(ToyCheckpoint.Llama().Write(folder["model"]));
        KeyValueCache single = model.Decoder.NewCache(64);
        KeyValueCache eight = model.Decoder.NewCache(64, CachePrecision.EightBits);
        Assert.InRange((double)eight.ByteCount / single.ByteCount, 0.25, 0.4); // heads of eight numbers: a scale is half as much again
        Matrix expected = Run(model.Decoder, single, Tokens.Length);
        Matrix rounded = Run(model.Decoder, eight, Tokens.Length);
        float largest = expected.View.Data.ToArray().Max(MathF.Abs);
        double distance = expected.View.Data.ToArray().Zip(rounded.View.Data.ToArray(), (x, y) => Math.Abs((double)x - y)).Max();
        Assert.InRange(distance, 1e-9, 0.02 * largest);
    }

    [Theory, InlineData(1), InlineData(7)]
    public void Pieces_of_a_prompt_give_the_same_bits(int piece)
    {
        using var folder = new TemporaryFolder();
        using ModelFolder model = ModelFolder.Open(ToyCheckpoint.Llama().Write(folder["model"]));
        Matrix whole = Run(model.Decoder, model.Decoder.NewCache(64, CachePrecision.EightBits), Tokens.Length);
        Matrix pieces = Run(model.Decoder, model.Decoder.NewCache(64, CachePrecision.EightBits), piece);
        Assert.Equal(whole.Row(whole.Rows - 1), pieces.Row(pieces.Rows - 1));
    }

    /// <summary>Logits of the last tokens.</summary>
    private static Matrix Run(Decoder decoder, KeyValueCache cache, int piece)
    {
        var logits = new Matrix(1, decoder.Config.VocabularySize);
        for (int start = 0; start < Tokens.Length; start += piece)
        {
            int[] ids = Tokens[start..Math.Min(Tokens.Length, start + piece)];
            var batch = new SequenceBatch();
            batch.Add(ids, cache);
            decoder.Logits(decoder.Forward(batch), [ids.Length - 1], logits);
        }

        return logits;
    }

    [Fact]
    public void More_positions_than_an_array_holds_are_refused_before_memory_is_taken()
    {
        var exception = Assert.Throws<ArgumentException>(() => new KeyValueCache(1, 32, 128, 1 << 20));
        Assert.Contains("a cache of 1048576 positions needs 4295032832 numbers", exception.Message, StringComparison.Ordinal);
        Assert.Contains("lower the context length", exception.Message, StringComparison.Ordinal);
    }
}
