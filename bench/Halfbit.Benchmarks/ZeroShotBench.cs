using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Tokenization;

namespace Halfbit.Benchmarks;

/// <summary>
/// Scoring the choices of PIQA, whose contexts are shared: <c>zero-shot MODEL PIQA.jsonl [threads] [items]</c>. Measured against plain passes over as many tokens,
/// in sequences of the length of a choice that share nothing; batch by batch in turns, so that other work on the machine slows all of them.
/// </summary>
internal static class ZeroShotBench
{
    private const int Window = 64;
    private const int LogitsAtOnce = 1 << 22;

    public static int Run(string[] args)
    {
        if (args.Length is < 2 or > 4)
        {
            Console.Error.WriteLine("usage: zero-shot MODEL PIQA.jsonl [THREADS] [ITEMS]");
            return 2;
        }

        if (args.Length > 2) RowParallel.Threads = int.Parse(args[2], CultureInfo.InvariantCulture);
        int limit = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : int.MaxValue;
        using ModelFolder model = ModelFolder.Open(args[0], ActivationPrecision.EightBits);
        Tokenizer tokenizer = Tokenizer.Load(args[0]);
        ScoredSequence[][] items = [.. File.ReadLines(args[1]).Take(limit).Select(line => Item(tokenizer, line))];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{args[0]}: {items.Length} items, {RowParallel.Threads} threads, kernel {DenseKernel.Current.Name}"));
        Measure(model.Decoder, items);
        return 0;
    }

    private static void Measure(Decoder decoder, ScoredSequence[][] items)
    {
        var scorer = new LikelihoodScorer(decoder);
        int chunk = Math.Max(1, LogitsAtOnce / decoder.Config.VocabularySize);
        var logits = new Matrix(chunk, decoder.Config.VocabularySize);
        (int distinct, int logitRows, double tree, double forward, double needed, double all) = (0, 0, 0, 0, 0, 0);
        bool isWarm = false;
        long start = Stopwatch.GetTimestamp();
        Range[] batches = [.. ScoringBatches.Cut(items)];
        double cutting = Stopwatch.GetElapsedTime(start).TotalSeconds;
        foreach (Range range in batches)
        {
            ScoredSequence[] sequences = [.. items[range].SelectMany(i => i)];
            var scores = new LikelihoodScore[sequences.Length];
            int[] tokens = [.. sequences.SelectMany(s => s.Inputs)];
            if (!isWarm)
            {
                scorer.Score(sequences, scores);
                Plain(decoder, tokens.AsSpan(0, scorer.DistinctRows), scorer.DistinctRows, logits);
                isWarm = true;
            }

            tree += Seconds(() => scorer.Score(sequences, scores));
            int rows = scorer.DistinctRows;
            forward += Seconds(() => Plain(decoder, tokens.AsSpan(0, rows), 0, logits));
            needed += Seconds(() => Plain(decoder, tokens.AsSpan(0, rows), scorer.LogitRows, logits));
            all += Seconds(() => Plain(decoder, tokens.AsSpan(0, rows), rows, logits));
            distinct += rows;
            logitRows += scorer.LogitRows;
        }

        int unshared = items.Sum(i => i.Sum(s => s.Inputs.Length));
        Print($"tokens: {distinct} distinct in {batches.Length} batches, {unshared} without sharing; rows of logits: {logitRows}; cutting into batches: {cutting:f3} s");
        Print($"scores in a tree           {tree,8:f3} s, {distinct / tree,8:f0} distinct tokens/s");
        Print($"plain, no logits           {forward,8:f3} s, tree / plain {tree / forward:f3}");
        Print($"plain, as many logit rows  {needed,8:f3} s, tree / plain {tree / needed:f3}");
        Print($"plain, logits of all rows  {all,8:f3} s, tree / plain {tree / all:f3}");
    }

    /// <summary>One pass over sequences that share nothing, and logits of its first rows.</summary>
    private static void Plain(Decoder decoder, ReadOnlySpan<int> tokens, int logitRows, Matrix logits)
    {
        var batch = new SequenceBatch();
        for (int start = 0; start < tokens.Length; start += Window) batch.Add(tokens.Slice(start, Math.Min(Window, tokens.Length - start)));
        Matrix hidden = decoder.Forward(batch);
        for (int first = 0; first < logitRows; first += logits.Rows) decoder.Logits(hidden, first, Math.Min(logits.Rows, logitRows - first), logits);
    }

    private static ScoredSequence[] Item(Tokenizer tokenizer, string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        string context = $"Question: {document.RootElement.GetProperty("goal").GetString()}\nAnswer:";
        int contextTokens = tokenizer.Encode(context).Length;
        return [.. ((string[])["sol1", "sol2"]).Select(field =>
        {
            int[] ids = tokenizer.Encode($"{context} {document.RootElement.GetProperty(field).GetString()}");
            return new ScoredSequence(ids[..^1], ids[contextTokens..]);
        })];
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Print(FormattableString text) => Console.WriteLine(FormattableString.Invariant(text));
}
