using System.Diagnostics;
using Halfbit.Checkpoints;
using Halfbit.Generation;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Evaluation;

/// <summary>Measures <see cref="GenerationRow"/>s.</summary>
public static class GenerationThroughput
{
    /// <summary>New tokens before those that are measured.</summary>
    private const int WarmUp = 2;

    /// <summary>Measures a model.</summary>
    /// <param name="model">What was written.</param>
    /// <param name="decoder">The model opened from there.</param>
    /// <param name="promptTokens">Tokens of each prompt, ≥ 1.</param>
    /// <param name="newTokens">New tokens of each sequence, ≥ 1.</param>
    /// <param name="threads">Numbers of threads; sets <see cref="RowParallel.Threads"/> for the duration.</param>
    /// <param name="batches">Numbers of sequences decoded at once, each ≥ 1.</param>
    /// <param name="cancellation">Looked at before each block of each pass.</param>
    /// <returns>A row for each number of threads and sequences, one after the other as they are measured.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IEnumerable<GenerationRow> Measure(
        SyntheticModel model, Decoder decoder, int promptTokens, int newTokens, IReadOnlyList<int> threads, IReadOnlyList<int> batches, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(threads);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentOutOfRangeException.ThrowIfLessThan(promptTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(newTokens, 1);
        return Rows();

        IEnumerable<GenerationRow> Rows()
        {
            int before = RowParallel.Threads;
            try
            {
                foreach (int count in threads)
                {
                    foreach (int batch in batches)
                    {
                        RowParallel.Threads = count;
                        yield return Measure(decoder, batch, promptTokens, newTokens, cancellation) with { Form = model.Form, WeightCount = model.WeightCount, WeightBytes = model.WeightBytes, FileBytes = model.FileBytes };
                    }
                }
            }
            finally
            {
                RowParallel.Threads = before;
            }
        }
    }

    /// <summary>A row without what only the writer of the weights knows.</summary>
    internal static GenerationRow Measure(Decoder decoder, int batchSize, int promptTokens, int newTokens, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        KeyValueCache[] caches = [.. Enumerable.Range(0, batchSize).Select(_ => decoder.NewCache(promptTokens + WarmUp + newTokens))];
        var ids = new int[batchSize];
        long start = Stopwatch.GetTimestamp();
        for (int s = 0; s < batchSize; s++) ids[s] = Prompt(decoder, caches[s], s, promptTokens, cancellation);
        double promptSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        var batch = new SequenceBatch();
        var logits = new Matrix(batchSize, decoder.Config.VocabularySize);
        int[] rows = [.. Enumerable.Range(0, batchSize)];
        var blockTimes = new double[WarmUp + newTokens];
        var headTimes = new double[WarmUp + newTokens];
        for (int pass = 0; pass < blockTimes.Length; pass++)
        {
            cancellation.ThrowIfCancellationRequested();
            batch.Clear();
            for (int s = 0; s < batchSize; s++) batch.Add(ids.AsSpan(s, 1), caches[s]);
            start = Stopwatch.GetTimestamp();
            Matrix hidden = decoder.Forward(batch, cancellation);
            blockTimes[pass] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            decoder.Logits(hidden, rows, logits);
            for (int s = 0; s < batchSize; s++) ids[s] = Sampler.ArgMax(logits.Row(s));
            headTimes[pass] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        // What making the weights and earlier rows took is given back first.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        var row = new GenerationRow
        {
            Form = string.Empty,
            Blocks = decoder.Blocks.Count,
            Threads = RowParallel.Threads,
            Batch = batchSize,
            WeightCount = 0,
            PromptTokensPerSecond = (long)batchSize * promptTokens / promptSeconds,
            BlockSeconds = Median(blockTimes.AsSpan(WarmUp)) / decoder.Blocks.Count,
            HeadSeconds = Median(headTimes.AsSpan(WarmUp)),
            WeightBytes = 0,
            FileBytes = 0,
            TableBytes = decoder.TokenEmbedding is MappedTensor table ? table.ByteCount : 0,
            CacheBytes = caches.Sum(cache => cache.ByteCount),
            ResidentBytes = process.WorkingSet64,
        };
        GC.KeepAlive(caches);
        return row;
    }

    /// <summary>Runs a prompt of its own for each sequence, in pieces.</summary>
    /// <returns>The first new token.</returns>
    private static int Prompt(Decoder decoder, KeyValueCache cache, int sequence, int tokens, CancellationToken cancellation)
    {
        int vocabulary = decoder.Config.VocabularySize;
        int[] prompt = [.. Enumerable.Range(sequence * tokens, tokens).Select(t => (int)(t * 7919L % vocabulary))];
        int piece = new GenerationOptions().PromptPiece;
        var batch = new SequenceBatch();
        var logits = new Matrix(1, vocabulary);
        for (int t = 0; t < tokens; t += piece)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(piece, tokens - t);
            batch.Clear();
            batch.Add(prompt.AsSpan(t, count), cache);
            Matrix hidden = decoder.Forward(batch, cancellation);
            if (t + count == tokens) decoder.Logits(hidden, [count - 1], logits);
        }

        return Sampler.ArgMax(logits.Row(0));
    }

    private static double Median(Span<double> seconds)
    {
        seconds.Sort();
        return seconds[seconds.Length / 2];
    }
}
