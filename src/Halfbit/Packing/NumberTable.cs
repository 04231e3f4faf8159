using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>Stored numbers (single precision, half precision or bytes times a power of two) as single precision.</summary>
internal readonly ref struct NumberTable
{
    private readonly ReadOnlySpan<byte> bytes;
    private readonly ScaleKind kind;
    private readonly float unit;

    /// <summary>A table.</summary>
    /// <param name="bytes">The stored numbers, one after the other.</param>
    /// <param name="format">How they are stored.</param>
    public NumberTable(ReadOnlySpan<byte> bytes, ScaleFormat format)
    {
        this.bytes = bytes;
        kind = format.Kind;
        unit = MathF.ScaleB(1f, format.Exponent);
    }

    /// <summary>Number <paramref name="k"/>.</summary>
    public float this[int k]
    {
        // The unit is a power of two between 2⁻¹²⁶ and 2¹²⁶: the product rounds once, like ScaleB.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => kind switch
        {
            ScaleKind.Half => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * k)..]) * unit,
            ScaleKind.Byte => Mantissa(bytes[k]) * unit,
            _ => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * k)..]),
        };
    }

    /// <summary>Stores a table, refusing whatever would not come back exactly.</summary>
    /// <param name="table">The numbers.</param>
    /// <param name="format">How to store them.</param>
    /// <param name="destination">Receives them.</param>
    /// <param name="name">What messages call a number.</param>
    /// <exception cref="ArgumentException">A number is not exactly storable.</exception>
    public static void Write(ReadOnlySpan<float> table, ScaleFormat format, Span<byte> destination, string name)
    {
        int size = format.NumberBytes;
        for (int k = 0; k < table.Length; k++) WriteOne(table[k], format, destination[(k * size)..], name, k, -1);
    }

    /// <summary>Stores one number; row or entry and column are for the message.</summary>
    public static void WriteOne(float value, ScaleFormat format, Span<byte> destination, string name, int at, int column)
    {
        // Bit by bit: −0 is another value than 0, and what is not finite cannot be a weight.
        if (!float.IsFinite(value) || BitConverter.SingleToInt32Bits(format.Round(value)) != BitConverter.SingleToInt32Bits(value))
        {
            string where = column < 0 ? $"entry {at} of [rows, groups]" : $"row {at}, column {column}";
            string what = format.Kind switch
            {
                ScaleKind.Half => $"half precision times 2^{format.Exponent}",
                ScaleKind.Byte => $"a byte times 2^{format.Exponent}",
                _ => "finite single precision",
            };
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"the {name} {value:R} ({where}) is not exactly storable as {what}; round it with ScaleFormat.Round first"), nameof(value));
        }

        switch (format.Kind)
        {
            case ScaleKind.Half: BinaryPrimitives.WriteHalfLittleEndian(destination, format.Encode(value)); break;
            case ScaleKind.Byte: destination[0] = format.EncodeByte(value); break;
            default: BinaryPrimitives.WriteSingleLittleEndian(destination, value); break;
        }
    }

    /// <summary>16·x + m: m for x = 0, else (16 + m)·2^(x − 1).</summary>
    private static int Mantissa(byte code) => code < 16 ? code : (16 + (code & 15)) << ((code >> 4) - 1);
}
