using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Halfbit.Numerics;

/// <summary>Conversions between the 16-bit storage types and single precision.</summary>
public static class HalfConversion
{
    /// <summary>Widens IEEE half-precision values; exact.</summary>
    /// <param name="source">[n] half-precision values.</param>
    /// <param name="destination">[n] or longer.</param>
    /// <remarks>Exponent and mantissa are moved to their place in a float; the product with the power of two between the biases makes up for the rest, subnormal numbers included.</remarks>
    public static void WidenHalf(ReadOnlySpan<Half> source, Span<float> destination)
    {
        ref short from = ref Unsafe.As<Half, short>(ref MemoryMarshal.GetReference(source));
        ref float to = ref MemoryMarshal.GetReference(destination[..source.Length]);
        int j = 0;
        for (; j <= source.Length - Vector256<float>.Count; j += Vector256<float>.Count)
        {
            Vector256<int> wide = Vector256.WidenLower(Vector128.LoadUnsafe(ref from, (nuint)j).ToVector256Unsafe());
            Vector256<int> number = (wide << MantissaShift) & Vector256.Create(NumberBits);
            Vector256<int> notFinite = Vector256.GreaterThan(number, Vector256.Create(LargestFinite)) & Vector256.Create(SingleInfinity);
            Vector256<int> scaled = (number.AsSingle() * Vector256.Create(BiasRatio)).AsInt32() | notFinite;
            (scaled | (wide & Vector256.Create(int.MinValue))).AsSingle().StoreUnsafe(ref to, (nuint)j);
        }

        for (; j < source.Length; j++) destination[j] = (float)source[j];
    }

    private const int MantissaShift = 13;
    private const int NumberBits = 0x7FFF << MantissaShift;
    private const int LargestFinite = 0x7BFF << MantissaShift;
    private const int SingleInfinity = 0x7F800000;

    /// <summary>2¹¹²: between the bias of single and that of half precision.</summary>
    private const float BiasRatio = 5.192296858534828e33f;

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
