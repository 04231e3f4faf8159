namespace Halfbit.Pipeline;

/// <summary>What a finished job did.</summary>
/// <param name="Method">Name of the method.</param>
/// <param name="Options">Its resolved options.</param>
/// <param name="Calibration">What it was calibrated on, in words; null when the method needed nothing.</param>
/// <param name="Layers">Every quantized layer.</param>
/// <param name="Bytes">Bytes of all weights files written.</param>
/// <param name="SourceBytes">Bytes of all weights files read.</param>
/// <param name="Seconds">Time of this run; a resumed job does not count its earlier runs.</param>
/// <param name="PeakMemoryBytes">Largest resident memory of the process so far.</param>
public sealed record QuantizationReport(
    string Method,
    IReadOnlyDictionary<string, string> Options,
    string? Calibration,
    IReadOnlyList<LayerRecord> Layers,
    long Bytes,
    long SourceBytes,
    double Seconds,
    long PeakMemoryBytes)
{
    /// <summary>What was done instead of what was asked, one line each; those of a layer begin with its name.</summary>
    public IReadOnlyList<string> Fallbacks { get; init; } = [];

    /// <summary>Weights in all quantized layers.</summary>
    public long Weights => Layers.Sum(l => l.Weights);

    /// <summary>Mean nominal bits per weight of the quantized layers.</summary>
    public double NominalBits => Layers.Sum(l => l.NominalBits * l.Weights) / Weights;

    /// <summary>True bits per weight of the quantized layers: every byte stored for them counted.</summary>
    public double TrueBits => 8.0 * Layers.Sum(l => l.Bytes) / Weights;
}
