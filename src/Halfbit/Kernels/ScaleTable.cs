using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>The scales of a tile's 128 rows as they lie in memory: single precision, half precision or bytes, made single precision with one shift and one exact product.</summary>
/// <remarks>
/// A half or a byte shifted to the place of a float's exponent and mantissa, and multiplied by the power of two between the two biases, is exact, subnormal numbers included.
/// Where that power would overflow the scales are kept in single precision.
/// </remarks>
internal readonly unsafe struct ScaleTable
{
    private const int HalfShift = 13;
    private const int HalfBias = 112;

    /// <summary>Sign and magnitude of a half that was widened with its sign and shifted.</summary>
    private const int SignAndNumber = unchecked((int)0x8FFFFFFF);

    private const int ByteShift = 19;
    private const int ByteBias = 130;
    private const int LargestExponent = 127;

    private readonly ScaleKind kind;
    private readonly ScaleFormat format;
    private readonly float unit;

    /// <summary>A table in a format.</summary>
    public ScaleTable(ScaleFormat format)
    {
        int exponent = format.Exponent + (format.Kind == ScaleKind.Byte ? ByteBias : HalfBias);
        kind = format.Kind != ScaleKind.Exact && exponent is > -LargestExponent and <= LargestExponent ? format.Kind : ScaleKind.Exact;
        this.format = format;
        ByteCount = PlaneKernel.TileRows * (kind switch { ScaleKind.Byte => 1, ScaleKind.Half => 2, _ => 4 });
        unit = kind == ScaleKind.Exact ? 1f : MathF.ScaleB(1f, exponent);
    }

    /// <summary>Bytes of the table of a tile.</summary>
    public int ByteCount { get; }

    /// <summary>Stores the scale of a row.</summary>
    public void Write(byte* table, int row, float value)
    {
        switch (kind)
        {
            case ScaleKind.Byte: table[row] = format.EncodeByte(value); break;
            case ScaleKind.Half: ((Half*)table)[row] = format.Encode(value); break;
            default: ((float*)table)[row] = value; break;
        }
    }

    /// <summary>The scales of rows <paramref name="row"/> to row + 15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Read16(byte* table, int row)
    {
        if (kind == ScaleKind.Half)
        {
            Vector512<int> bits = Vector512.WidenLower(Vector256.Load((short*)table + row).ToVector512Unsafe());
            return ((bits << HalfShift) & Vector512.Create(SignAndNumber)).AsSingle() * unit;
        }

        if (kind == ScaleKind.Byte)
        {
            Vector256<ushort> wide = Vector256.WidenLower(Vector128.Load(table + row).ToVector256Unsafe());
            return (Vector512.WidenLower(wide.ToVector512Unsafe()) << ByteShift).AsSingle() * unit;
        }

        return Vector512.Load((float*)table + row);
    }

    /// <summary>The scales of rows <paramref name="row"/> to row + 7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Read(byte* table, int row)
    {
        if (kind == ScaleKind.Half)
        {
            Vector256<int> bits = Vector256.WidenLower(Vector128.Load((short*)table + row).ToVector256Unsafe());
            return ((bits << HalfShift) & Vector256.Create(SignAndNumber)).AsSingle() * unit;
        }

        if (kind == ScaleKind.Byte)
        {
            Vector128<ushort> wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)(table + row)).AsByte());
            return (Vector256.WidenLower(wide.ToVector256Unsafe()) << ByteShift).AsSingle() * unit;
        }

        return Vector256.Load((float*)table + row);
    }
}
