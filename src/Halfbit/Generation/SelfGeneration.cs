using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Generation;

/// <summary>What <see cref="SelfGeneration"/> samples.</summary>
public sealed record SelfGenerationOptions
{
    /// <summary>Sequences.</summary>
    /// <value>≥ 1; default 128.</value>
    public int Count { get; init; } = 128;

    /// <summary>Tokens of each sequence, the first one (BOS) included.</summary>
    /// <value>≥ 2; default 2048.</value>
    public int Length { get; init; } = 2048;

    /// <summary>Tokens after the first that are chosen greedily before sampling starts.</summary>
    /// <value>≥ 0; default 0. LLM-QAT takes 3 to 5 after a random first token; after BOS they are the same in all sequences.</value>
    public int GreedyFirst { get; init; }

    /// <summary>How tokens are chosen.</summary>
    /// <value>Default: temperature 1, the model's own distribution.</value>
    public SamplingOptions Sampling { get; init; } = new() { Temperature = 1 };

    /// <summary>Seed; each sequence draws from a generator of its own.</summary>
    /// <value>0 to 2⁴⁰; default 0.</value>
    public long Seed { get; init; }

    /// <summary>First token of every sequence; null: the BOS of the model's config.</summary>
    public int? FirstToken { get; init; }

    /// <summary>Memory for the caches of sequences decoded at once. Does not change the result.</summary>
    /// <value>Bytes; default 1 GiB.</value>
    public long CacheBytes { get; init; } = 1L << 30;

    /// <summary>Sequences decoded at once at most. Does not change the result.</summary>
    /// <value>≥ 1; default 48.</value>
    public int MaxBatch { get; init; } = 48;
}

/// <summary>Text from the model itself: calibration data without data, as in LLM-QAT (arXiv 2305.17888).</summary>
/// <remarks>An EOS is a token like any other: sampling goes on after it with whatever the model puts there, in the same window.</remarks>
public static class SelfGeneration
{
    /// <summary>Samples sequences.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="options">How many, how long, how.</param>
    /// <param name="progress">Told (tokens done, tokens in all) now and then, or null.</param>
    /// <param name="cancellation">Looked at before each block of each pass.</param>
    /// <returns>[<see cref="SelfGenerationOptions.Count"/>][<see cref="SelfGenerationOptions.Length"/>]; the same for any batch size and thread count.</returns>
    /// <exception cref="ArgumentException">An option is out of range, there is no BOS, or the model has fewer learned positions than the length.</exception>
    public static int[][] Sample(Decoder decoder, SelfGenerationOptions options, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Count, 1 << 20);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Length, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxBatch, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Seed);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Seed, 1L << 40);
        options.Sampling.Validate();
        int first = options.FirstToken ?? decoder.Config.BosTokenId
            ?? throw new ArgumentException($"{decoder.Config.Path}: no bos_token_id; name the first token of the sequences");

        const int Sample = 64;
        long bytesPerCache = decoder.NewCache(Sample).ByteCount / Sample * options.Length;
        int batchSize = (int)Math.Clamp(options.CacheBytes / bytesPerCache, 1, Math.Min(options.MaxBatch, options.Count));
        KeyValueCache[] caches = [.. Enumerable.Range(0, batchSize).Select(_ => decoder.NewCache(options.Length))];
        var sequences = new int[options.Count][];
        for (int start = 0; start < options.Count; start += batchSize)
        {
            int count = Math.Min(batchSize, options.Count - start);
            for (int s = 0; s < count; s++)
            {
                sequences[start + s] = new int[options.Length];
                sequences[start + s][0] = first;
            }

            long before = (long)start * options.Length;
            SampleTogether(
                decoder, options, sequences.AsMemory(start, count), start, caches,
                position => progress?.Invoke(before + ((long)count * position), (long)options.Count * options.Length), cancellation);
        }

        return sequences;
    }

    private static void SampleTogether(
        Decoder decoder, SelfGenerationOptions options, Memory<int[]> sequences, int firstIndex, KeyValueCache[] caches, Action<int> progress, CancellationToken cancellation)
    {
        int count = sequences.Length;
        Sampler[] samplers = [.. Enumerable.Range(0, count).Select(_ => new Sampler(options.Sampling))];
        PythonRandom[] randoms = [.. Enumerable.Range(0, count).Select(s => new PythonRandom((options.Seed << 20) + firstIndex + s))];
        int[] rows = [.. Enumerable.Range(0, count)];
        var logits = new Matrix(count, decoder.Config.VocabularySize);
        var batch = new SequenceBatch();
        for (int s = 0; s < count; s++) caches[s].Reset();
        for (int t = 1; t < options.Length; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            batch.Clear();
            for (int s = 0; s < count; s++) batch.Add(sequences.Span[s].AsSpan(t - 1, 1), caches[s]);
            decoder.Logits(decoder.Forward(batch, cancellation), rows, logits);
            bool isGreedy = t <= options.GreedyFirst;
            int position = t;
            RowParallel.For(count, 1, (start, end) =>
            {
                for (int s = start; s < end; s++)
                    sequences.Span[s][position] = isGreedy ? Sampler.ArgMax(logits.Row(s)) : samplers[s].Choose(logits.Row(s), randoms[s]);
            });
            if (t % 16 == 0 || t == options.Length - 1) progress(t + 1);
        }
    }
}
