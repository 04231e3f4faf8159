using System.Runtime.Intrinsics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>The scales of a tile's 128 rows as they lie in memory: single precision, half precision or bytes, made single precision by a shift and one exact product.</summary>
/// <remarks>
/// A half or a byte shifted to the place of a float's exponent and mantissa, and multiplied by the power of two between the two biases, is exact, subnormal numbers included.
/// Where that power would overflow the scales are kept in single precision. The order of rows is that of <see cref="IScaleReader"/>.
/// </remarks>
internal readonly unsafe record struct ScaleTable
{
    private const int HalfBias = 112;
    private const int ByteBias = 130;
    private const int LargestExponent = 127;

    /// <summary>Binary digits below a format's exponent that the smallest half or byte may have.</summary>
    private const int DigitsBelow = 24;

    /// <summary>Products of scale and factor stay above 2 to this.</summary>
    private const int LeastExponent = -100;

    private readonly ScaleFormat format;

    /// <summary>A table in a format.</summary>
    public ScaleTable(ScaleFormat format)
    {
        int exponent = format.Exponent + (format.Kind == ScaleKind.Byte ? ByteBias : HalfBias);
        Kind = format.Kind != ScaleKind.Exact && exponent is > -LargestExponent and <= LargestExponent ? format.Kind : ScaleKind.Exact;
        this.format = format;
        ByteCount = PlaneKernel.TileRows * (Kind switch { ScaleKind.Byte => 1, ScaleKind.Half => 2, _ => 4 });
        Unit = Kind == ScaleKind.Exact ? 1f : MathF.ScaleB(1f, exponent);
        LeastFactor = Kind == ScaleKind.Exact ? 0f : MathF.ScaleB(1f, Math.Max(LeastExponent - format.Exponent + DigitsBelow, LeastExponent - exponent));
        MostFactor = MathF.ScaleB(1f, LargestExponent - 1) / Unit;
    }

    /// <summary>The format given.</summary>
    public ScaleFormat Format => format;

    /// <summary>How scales are stored.</summary>
    public ScaleKind Kind { get; }

    /// <summary>Bytes of the table of a tile.</summary>
    public int ByteCount { get; }

    /// <summary>What a scale that <see cref="IScaleReader"/> gives is multiplied by.</summary>
    public float Unit { get; }

    /// <summary>The least number that can be multiplied with <see cref="Unit"/> first, and with 2⁻¹⁶ too: all products stay exact or are rounded as without.</summary>
    private float LeastFactor { get; }

    private float MostFactor { get; }

    /// <summary>Whether scale · (unit · factor · 2⁻¹⁶) is rounded as scale · factor.</summary>
    public bool IsInRange(float factor) => factor >= LeastFactor && factor <= MostFactor;

    /// <summary>Stores the scale of a row.</summary>
    public void Write(byte* table, int row, float value)
    {
        switch (Kind)
        {
            case ScaleKind.Byte: table[ByteScales.PlaceOf(row)] = format.EncodeByte(value); break;
            case ScaleKind.Half: ((Half*)table)[HalfScales.PlaceOf(row)] = format.Encode(value); break;
            default: ((float*)table)[row] = value; break;
        }
    }

    /// <summary>The scale of a row.</summary>
    public float Read(byte* table, int row) => Kind switch
    {
        ScaleKind.Byte => format.Decode(table[ByteScales.PlaceOf(row)]),
        ScaleKind.Half => format.Decode(((Half*)table)[HalfScales.PlaceOf(row)]),
        _ => ((float*)table)[row],
    };

    /// <summary>Writes the scales of a tile in single precision.</summary>
    /// <param name="table">The table.</param>
    /// <param name="scales">[128], by row.</param>
    public void Expand(byte* table, float* scales)
    {
        if (Kind == ScaleKind.Half) Expand<HalfScales>(table, scales);
        else if (Kind == ScaleKind.Byte) Expand<ByteScales>(table, scales);
        else Expand<ExactScales>(table, scales);
    }

    private void Expand<T>(byte* table, float* scales)
        where T : struct, IScaleReader
    {
        for (int r = 0; r < PlaneKernel.TileRows; r += 8) (T.Read(table, r & ~48, r >> 4 & 3) * Unit).Store(scales + r);
    }
}
