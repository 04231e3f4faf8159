using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>Sums in four double-precision lanes, the same four on every machine; lists are padded to whole vectors.</summary>
internal static class FourLanes
{
    /// <summary>Lanes of a sum.</summary>
    public const int Count = 4;

    /// <summary>A length, rounded up to whole vectors.</summary>
    public static int Padded(int length) => (length + Count - 1) / Count * Count;

    /// <summary>Four elements from <paramref name="k"/> on.</summary>
    public static Vector256<double> At(ReadOnlySpan<double> values, int k) => Vector256.Create(values.Slice(k, Count));

    /// <summary>Four elements from <paramref name="k"/> on, widened.</summary>
    public static Vector256<double> At(ReadOnlySpan<float> values, int k)
    {
        Vector128<float> four = Vector128.Create(values.Slice(k, Count));
        return Avx.IsSupported ? Avx.ConvertToVector256Double(four) : Vector256.Create(Vector128.WidenLower(four), Vector128.WidenUpper(four));
    }

    /// <summary>The sum of four lanes, in a fixed order.</summary>
    public static double Total(Vector256<double> lanes) => lanes[0] + lanes[2] + (lanes[1] + lanes[3]);
}
