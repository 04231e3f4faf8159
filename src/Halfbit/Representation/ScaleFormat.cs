namespace Halfbit.Representation;

/// <summary>How scales and means are stored: exactly (single precision), or as half-precision values times one power of two per matrix.</summary>
/// <remarks>
/// The power of two puts the matrix's largest weight at 2¹², so that scales keep the full 11 bits of half precision over a range of 2²⁶ below it
/// and have a margin of 16 above it, whatever the unit of the weights.
/// </remarks>
/// <param name="IsHalf">Whether values are rounded to half precision.</param>
/// <param name="Exponent">e: a stored half-precision value h stands for h·2ᵉ; within [-126, 126]. Zero when not half.</param>
public readonly record struct ScaleFormat(bool IsHalf, int Exponent)
{
    /// <summary>Single precision, no rounding.</summary>
    public static ScaleFormat Exact => default;

    /// <summary>Half precision with the exponent that suits weights of at most <paramref name="largestMagnitude"/>.</summary>
    /// <param name="largestMagnitude">max |W|, finite, ≥ 0.</param>
    public static ScaleFormat HalfFor(float largestMagnitude)
    {
        if (!(largestMagnitude > 0)) return new ScaleFormat(true, 0);
        return new ScaleFormat(true, Math.Clamp(Math.ILogB(largestMagnitude) - 12, -126, 100));
    }

    /// <summary>The nearest value that the format can store; magnitudes beyond its range become its largest.</summary>
    public float Round(float value) => IsHalf ? Decode(Encode(value)) : value;

    /// <summary>The half-precision value stored for <paramref name="value"/>.</summary>
    public Half Encode(float value)
    {
        // In double precision: the product with the power of two is exact, so only one rounding happens.
        double scaled = Math.Clamp(Math.ScaleB((double)value, -Exponent), (double)Half.MinValue, (double)Half.MaxValue);
        return (Half)scaled;
    }

    /// <summary>What a stored half-precision value stands for.</summary>
    public float Decode(Half stored) => MathF.ScaleB((float)stored, Exponent);
}
