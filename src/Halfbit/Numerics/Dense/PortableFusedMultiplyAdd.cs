using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>Fused multiply-add on 128-bit vectors for processors with and without such an instruction.</summary>
internal static class PortableFusedMultiplyAdd
{
    /// <summary>Whether the processor rounds x·y + z once.</summary>
    public static bool IsHardware => Fma.IsSupported || AdvSimd.IsSupported;

    /// <summary>x·y + z, rounded once.</summary>
    /// <remarks>
    /// Without the instruction: x·y is exact in double precision (24 + 24 bits), the sum with z is rounded to odd there, and the narrowing
    /// rounds once more. 53 ≥ 2·24 + 2 bits make that equal to a single rounding (Boldo and Melquiond 2008), denormal results included.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Single(Vector128<float> x, Vector128<float> y, Vector128<float> z)
    {
        if (IsHardware) return Vector128.FusedMultiplyAdd(x, y, z);
        return Emulated(x, y, z);
    }

    /// <summary>x·y + z; rounded once where the processor can, else twice: there, and only there, double-precision results depend on the machine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Double(Vector128<double> x, Vector128<double> y, Vector128<double> z)
        => IsHardware ? Vector128.FusedMultiplyAdd(x, y, z) : (x * y) + z;

    /// <summary>The form without the instruction; internal for its test.</summary>
    internal static Vector128<float> Emulated(Vector128<float> x, Vector128<float> y, Vector128<float> z)
    {
        (Vector128<double> xLow, Vector128<double> xHigh) = Vector128.Widen(x);
        (Vector128<double> yLow, Vector128<double> yHigh) = Vector128.Widen(y);
        (Vector128<double> zLow, Vector128<double> zHigh) = Vector128.Widen(z);
        return Vector128.Narrow(SumToOdd(xLow * yLow, zLow), SumToOdd(xHigh * yHigh, zHigh));
    }

    private static Vector128<double> SumToOdd(Vector128<double> p, Vector128<double> z)
    {
        Vector128<double> sum = p + z;
        Vector128<double> zPart = sum - p;
        Vector128<double> error = (p - (sum - zPart)) + (z - zPart);        // 2Sum: p + z = sum + error exactly

        // An inexact sum with an even last bit moves one unit towards the error: away from zero if both have one sign, else towards zero.
        Vector128<long> bits = sum.AsInt64();
        Vector128<long> isEven = Vector128.Equals(bits & Vector128<long>.One, Vector128<long>.Zero);
        Vector128<long> isInexact = Vector128.GreaterThan(Vector128.Abs(error), Vector128<double>.Zero).AsInt64();   // false for NaN
        Vector128<long> isOpposed = (bits ^ error.AsInt64()) >> 63;
        Vector128<long> step = Vector128<long>.One | isOpposed;             // +1 or −1
        return (bits + (step & isEven & isInexact)).AsDouble();
    }
}
