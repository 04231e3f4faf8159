using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>Conversions between the 16-bit storage types and single precision.</summary>
public static class HalfConversion
{
    /// <summary>Widens IEEE half-precision values; exact.</summary>
    /// <param name="source">[n] half-precision values.</param>
    /// <param name="destination">[n] or longer.</param>
    public static void WidenHalf(ReadOnlySpan<Half> source, Span<float> destination)
        => TensorPrimitives.ConvertToSingle(source, destination);

    /// <summary>Widens bfloat16 values (the upper half of a single-precision value); exact.</summary>
    /// <param name="source">[n] bfloat16 bit patterns.</param>
    /// <param name="destination">[n] or longer.</param>
    public static void WidenBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        Span<uint> bits = MemoryMarshal.Cast<float, uint>(destination[..source.Length]);
        TensorPrimitives.ConvertChecked<ushort, uint>(source, bits);
        TensorPrimitives.ShiftLeft<uint>(bits, 16, bits);
    }

    /// <summary>Rounds a single-precision value to the nearest bfloat16, ties to even; NaN stays NaN.</summary>
    public static ushort NarrowToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
