using System.Collections.ObjectModel;

namespace Halfbit.Pipeline;

/// <summary>What became of one linear layer.</summary>
/// <param name="Name">Name in the checkpoint, without <c>.weight</c>.</param>
/// <param name="Rows">Output features.</param>
/// <param name="Columns">Input features.</param>
/// <param name="NominalBits">Bits per weight as the method's paper counts them.</param>
/// <param name="Bytes">Bytes stored for the layer's weights: the packed matrix and its entry in the file's header.</param>
/// <param name="WeightedError">tr((W − Q)·H·(W − Q)ᵀ); H the identity when the job had no calibration.</param>
/// <param name="RelativeError">The same over tr(W·H·Wᵀ).</param>
/// <param name="Seconds">Time to quantize the layer.</param>
public sealed record LayerRecord(string Name, int Rows, int Columns, double NominalBits, long Bytes, double WeightedError, double RelativeError, double Seconds)
{
    /// <summary>Options of the layer's method that differ from those of the job, by their command-line names.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>What the method did instead of what was asked, one line each: defined fallbacks for degenerate input.</summary>
    public IReadOnlyList<string> Fallbacks { get; init; } = [];

    /// <summary>Number of weights.</summary>
    public long Weights => (long)Rows * Columns;

    /// <summary>Bits per weight, everything stored counted.</summary>
    public double TrueBits => 8.0 * Bytes / Weights;
}
