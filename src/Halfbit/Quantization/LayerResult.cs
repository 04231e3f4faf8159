using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization;

/// <summary>What a method made of one matrix.</summary>
/// <param name="Quantized">Codes, masks and scales: what will be stored.</param>
/// <param name="Approximation">
/// [out, in], the dequantized matrix Q as the method computed it. Equal to what <paramref name="Quantized"/> stands for, except in a released
/// variant whose program uses values that no bit pattern can hold (the sign of an exact zero).
/// </param>
/// <param name="NominalBits">Bits per weight as the method's paper counts them.</param>
public sealed record LayerResult(QuantizedMatrix Quantized, Matrix Approximation, double NominalBits)
{
    /// <summary>[out, in]; set where a weight is salient. Null when the method has no such set.</summary>
    public BitMatrix? Salient { get; init; }

    /// <summary>[out, in]; set where an N:M pattern kept a weight. Null when the method keeps all.</summary>
    public BitMatrix? Keep { get; init; }

    /// <summary>[out · in], the group of each weight in the method's own numbering. Null when the method has no groups.</summary>
    public byte[]? Group { get; init; }

    /// <summary>Options that the method chose itself for this matrix, by name, as text. Empty when all of them were given.</summary>
    public IReadOnlyDictionary<string, string> Chosen { get; init; } = new Dictionary<string, string>();

    /// <summary>What the method did instead of what was asked, one line each: defined fallbacks for degenerate input. Empty when all went as asked.</summary>
    public IReadOnlyList<string> Fallbacks { get; init; } = [];
}
