using System.Diagnostics;
using Halfbit.Generation;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Evaluation;

/// <summary>Speed and memory of generating with a <see cref="SyntheticModel"/>.</summary>
/// <param name="Form">Form of the packed weights.</param>
/// <param name="Blocks">Blocks.</param>
/// <param name="Threads">Threads.</param>
/// <param name="BitsPerWeight">Bits per packed weight in memory.</param>
/// <param name="PromptTokensPerSecond">Tokens of the prompt per second.</param>
/// <param name="DecodeTokensPerSecond">New tokens per second, head included.</param>
/// <param name="BlockSeconds">Seconds of one block for one new token.</param>
/// <param name="HeadSeconds">Seconds of norm and head for one new token.</param>
/// <param name="WeightBytes">Bytes of the packed weights.</param>
/// <param name="ResidentBytes">Bytes of the process in memory, table and cache included.</param>
public sealed record GenerationRow(
    string Form, int Blocks, int Threads, double BitsPerWeight, double PromptTokensPerSecond, double DecodeTokensPerSecond, double BlockSeconds, double HeadSeconds, long WeightBytes, long ResidentBytes)
{
    /// <summary>Blocks of LLaMA-7B.</summary>
    public const int WholeModel = 32;

    /// <summary>New tokens per second of a model of <see cref="WholeModel"/> such blocks, without its head.</summary>
    public double WholeTokensPerSecond => 1 / (WholeModel * BlockSeconds);
}

/// <summary>Measures <see cref="GenerationRow"/>s.</summary>
public static class GenerationThroughput
{
    /// <summary>Measures one form.</summary>
    /// <param name="form">See <see cref="RandomForms"/>.</param>
    /// <param name="blocks">Blocks, ≥ 1.</param>
    /// <param name="promptTokens">Tokens of the prompt, ≥ 1.</param>
    /// <param name="newTokens">New tokens, ≥ 2.</param>
    /// <param name="threads">Numbers of threads; sets <see cref="RowParallel.Threads"/> for the duration.</param>
    /// <param name="precision">How activations are rounded.</param>
    /// <returns>A row for each number of threads.</returns>
    public static IReadOnlyList<GenerationRow> Measure(string form, int blocks, int promptTokens, int newTokens, IReadOnlyList<int> threads, ActivationPrecision precision)
    {
        ArgumentNullException.ThrowIfNull(threads);
        using var model = new SyntheticModel(form, blocks, precision);
        int before = RowParallel.Threads;
        try
        {
            return [.. threads.Select(count =>
            {
                RowParallel.Threads = count;
                return MeasureRow(form, model, promptTokens, newTokens);
            })];
        }
        finally
        {
            RowParallel.Threads = before;
        }
    }

    private static GenerationRow MeasureRow(string form, SyntheticModel model, int promptTokens, int newTokens)
    {
        var generator = new Generator(model.Decoder);
        int[] prompt = [.. Enumerable.Range(0, promptTokens).Select(t => 3 + (t * 7919 % 31000))];
        var options = new GenerationOptions { MaxNewTokens = newTokens, StopTokens = [] };
        _ = generator.Generate(prompt, options with { MaxNewTokens = 2 });
        GenerationResult result = generator.Generate(prompt, options);
        double head = HeadSeconds(model.Decoder);
        double token = result.DecodeTime.TotalSeconds / result.DecodePasses;
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return new GenerationRow(
            form,
            model.Decoder.Blocks.Count,
            RowParallel.Threads,
            8.0 * model.WeightBytes / model.WeightCount,
            promptTokens / result.PromptTime.TotalSeconds,
            1 / token,
            (token - head) / model.Decoder.Blocks.Count,
            head,
            model.WeightBytes,
            process.WorkingSet64);
    }

    private static double HeadSeconds(Decoder decoder)
    {
        const int Repetitions = 8;
        var hidden = new Matrix(1, decoder.Config.HiddenSize);
        var logits = new Matrix(1, decoder.Config.VocabularySize);
        decoder.Logits(hidden, [0], logits);
        long start = Stopwatch.GetTimestamp();
        for (int r = 0; r < Repetitions; r++) decoder.Logits(hidden, [0], logits);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / Repetitions;
    }
}
