using Halfbit.Pipeline;

namespace Halfbit.Training;

/// <summary>What a training ended with.</summary>
/// <param name="Steps">Updates.</param>
/// <param name="Tokens">Training tokens seen, repeated ones counted again.</param>
/// <param name="Perplexity">Of the written model on the whole evaluation text, as <c>halfbit eval</c> measures it; null without one.</param>
/// <param name="Bytes">Bytes of the weights files.</param>
/// <param name="Seconds">Time of this run of the program.</param>
/// <param name="PeakMemoryBytes">The largest resident set of the process.</param>
public sealed record TrainingReport(int Steps, long Tokens, double? Perplexity, long Bytes, double Seconds, long PeakMemoryBytes)
{
    /// <summary>Records of the packed layers; empty where nothing was packed.</summary>
    public IReadOnlyList<LayerRecord> Layers { get; init; } = [];

    /// <summary>Bits per packed weight, everything stored counted; 0 where nothing was packed.</summary>
    public double TrueBits => Layers.Count == 0 ? 0 : 8.0 * Layers.Sum(l => l.Bytes) / Layers.Sum(l => l.Weights);
}
