using Halfbit.Evaluation;
using Halfbit.Pipeline;

namespace Halfbit.Reports;

/// <summary>What a comparison measured.</summary>
/// <param name="Model">Folder of the original model.</param>
/// <param name="Calibration">What all methods that need it were calibrated on, in words; null when none was.</param>
/// <param name="CalibrationSeconds">Time for what the methods share: making the sequences, and the statistics of the first block. No row's time holds it.</param>
/// <param name="PeakMemoryNote">Why no row has a peak memory, or null.</param>
/// <param name="Rows">The original first, then the contestants in their order.</param>
public sealed record ComparisonResult(string Model, string? Calibration, double CalibrationSeconds, string? PeakMemoryNote, IReadOnlyList<ComparisonRow> Rows)
{
    /// <summary>How the zero-shot tasks were measured, in words; null when none were.</summary>
    public string? TaskConditions { get; init; }

    /// <summary>Names of the rows that no other row beats: none has fewer true bits at no more perplexity, or less perplexity at no more true bits.</summary>
    public IReadOnlySet<string> ParetoFront => Reports.ParetoFront.Of(Rows);
}

/// <summary>One model of a comparison. What was not measured is null, and the rest of a contestant that failed is NaN or empty.</summary>
/// <param name="Name">The contestant's name.</param>
/// <param name="Method">Name of the method, <c>none</c> for the original.</param>
/// <param name="Options">The method's resolved options.</param>
public sealed record ComparisonRow(string Name, string Method, IReadOnlyDictionary<string, string> Options)
{
    /// <summary>One line on why the method failed; null when it did not.</summary>
    public string? Error { get; init; }

    /// <summary>Bits per weight as the method's paper counts them.</summary>
    public double NominalBits { get; init; } = double.NaN;

    /// <summary>Bits per weight of the quantized layers, every stored byte counted.</summary>
    public double TrueBits { get; init; } = double.NaN;

    /// <summary>Bytes of all weights files; 0 when the method failed.</summary>
    public long Bytes { get; init; }

    /// <summary>Time to compress without what <see cref="ComparisonResult.CalibrationSeconds"/> holds; seconds, 0 for the original.</summary>
    public double Seconds { get; init; } = double.NaN;

    /// <summary>Largest resident memory of the process while it compressed the model, in bytes; null for the original, and where the system does not tell.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>Whether errors of layers are weighted by the calibration's Hessians; else they are plain squared errors.</summary>
    public bool HasWeightedErrors { get; init; }

    /// <summary>Every quantized layer.</summary>
    public IReadOnlyList<LayerRecord> Layers { get; init; } = [];

    /// <summary>One measurement per text, in the order of the texts.</summary>
    public IReadOnlyList<TextMeasurement> Texts { get; init; } = [];

    /// <summary>Zero-shot results; null when none were measured.</summary>
    public TaskTable? Tasks { get; init; }

    /// <summary>Perplexity of all predicted tokens of all texts; NaN when the method failed.</summary>
    public double Perplexity => Math.Exp(Mean(t => t.Result.MeanNll) ?? double.NaN);

    /// <summary>Mean KL(original ‖ model) of all predicted tokens, in nats; null when not measured.</summary>
    public double? KlDivergence => Mean(t => t.Result.KlDivergence);

    /// <summary>Share of predicted tokens at which both models prefer the same one; null when not measured.</summary>
    public double? Top1Agreement => Mean(t => t.Result.Top1Agreement);

    private double? Mean(Func<TextMeasurement, double?> value)
    {
        if (Texts.Count == 0) return null;
        return Texts.Sum(t => value(t) * t.Result.PredictedTokens) is double sum && Texts.All(t => value(t) is not null)
            ? sum / Texts.Sum(t => t.Result.PredictedTokens)
            : null;
    }
}

/// <summary>Perplexity of one text.</summary>
/// <param name="Text">The text's name.</param>
/// <param name="Result">What was measured; the original's divergence from itself is 0.</param>
/// <param name="Seconds">Time of the measurement.</param>
public sealed record TextMeasurement(string Text, PerplexityResult Result, double Seconds);
