namespace Halfbit.Representation;

/// <summary>How a number of a scale table is stored.</summary>
public enum ScaleKind
{
    /// <summary>Single precision, no rounding.</summary>
    Exact,

    /// <summary>Half precision times a power of two.</summary>
    Half,

    /// <summary>Eight bits without sign, 4 of exponent and 4 of mantissa, times a power of two.</summary>
    Byte,
}

/// <summary>How scales and means are stored: exactly (single precision), or as short floating-point values times one power of two per matrix.</summary>
/// <remarks>
/// Half: the power of two puts the matrix's largest weight at 2¹², so that scales keep the full 11 bits of half precision over a range of 2²⁶ below it
/// and have a margin of 16 above it, whatever the unit of the weights.
/// Byte: code c = 16·x + m stands for m (x = 0) or (16 + m)·2^(x − 1), times the power of two: steps of 3 to 6 % (rounding error at most 3.1 %) from 16 to 31·2¹⁴.
/// Scales are positive, so no bit is spent on a sign; a scale wrong by ε raises the squared error of a sign plane by ε² of the energy it explains.
/// </remarks>
/// <param name="Kind">How many bits.</param>
/// <param name="Exponent">e: a stored value v stands for v·2ᵉ; within [-126, 126]. Zero when single.</param>
public readonly record struct ScaleFormat(ScaleKind Kind, int Exponent)
{
    private const int MantissaBits = 4;
    private const int LargestCode = 255;

    /// <summary>Between the exponent of halves and that of bytes for the same weights: a byte reaches up to four times the largest weight.</summary>
    private const int ByteShift = -5;

    /// <summary>Single precision, no rounding.</summary>
    public static ScaleFormat Exact => default;

    /// <summary>Whether values are stored as half precision.</summary>
    public bool IsHalf => Kind == ScaleKind.Half;

    /// <summary>Bytes of one number.</summary>
    public int NumberBytes => Kind switch { ScaleKind.Byte => 1, ScaleKind.Half => 2, _ => 4 };

    /// <summary>Half precision with the exponent that suits weights of at most <paramref name="largestMagnitude"/>.</summary>
    /// <param name="largestMagnitude">max |W|, finite, ≥ 0.</param>
    public static ScaleFormat HalfFor(float largestMagnitude)
    {
        if (!(largestMagnitude > 0)) return new ScaleFormat(ScaleKind.Half, 0);
        return new ScaleFormat(ScaleKind.Half, Math.Clamp(Math.ILogB(largestMagnitude) - 12, -126, 100));
    }

    /// <summary>The eight-bit format for the scales of the same weights; single precision stays as it is.</summary>
    public ScaleFormat ToByte() => Kind == ScaleKind.Half ? new ScaleFormat(ScaleKind.Byte, Math.Max(-126, Exponent + ByteShift)) : this;

    /// <summary>The nearest value that the format can store; magnitudes beyond its range become its largest, negative ones in bytes zero.</summary>
    public float Round(float value) => Kind switch
    {
        ScaleKind.Half => Decode(Encode(value)),
        ScaleKind.Byte => Decode(EncodeByte(value)),
        _ => value,
    };

    /// <summary>The half-precision value stored for <paramref name="value"/>.</summary>
    public Half Encode(float value)
    {
        // In double precision: the product with the power of two is exact, so only one rounding happens.
        double scaled = Math.Clamp(Math.ScaleB((double)value, -Exponent), (double)Half.MinValue, (double)Half.MaxValue);
        return (Half)scaled;
    }

    /// <summary>What a stored half-precision value stands for.</summary>
    public float Decode(Half stored) => MathF.ScaleB((float)stored, Exponent);

    /// <summary>The code of the nearest eight-bit value, halves to even codes.</summary>
    public byte EncodeByte(float value)
    {
        double scaled = Math.ScaleB((double)value, -Exponent);
        if (!(scaled > 0)) return 0;
        int x = Math.Max(1, Math.ILogB(scaled) - MantissaBits + 1);

        // The codes of one exponent and the first of the next are consecutive, so rounding up into the next needs no care.
        double code = Math.Round(Math.ScaleB(scaled, 1 - x)) + (16 * (x - 1));
        return (byte)Math.Min(code, LargestCode);
    }

    /// <summary>What an eight-bit code stands for.</summary>
    public float Decode(byte code)
    {
        int x = code >> MantissaBits;
        int mantissa = code & 15;
        return x == 0 ? MathF.ScaleB(mantissa, Exponent) : MathF.ScaleB(16 + mantissa, x - 1 + Exponent);
    }
}
