using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary><see cref="IHalfSquares"/> of 8 rows and 16 columns, two beside each other so that the lines of eight rows are used up at once.</summary>
internal sealed unsafe class HalfSquares256 : IHalfSquares
{
    public static readonly HalfSquares256 Instance = new();

    private const int FetchAhead = 256;

    private HalfSquares256()
    {
    }

    /// <inheritdoc/>
    public int Lanes => 8;

    /// <inheritdoc/>
    public int Columns => 32;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Accumulate<TFormat>(ushort** rows, nint count, nint stride, float* x, int height, float* sums)
        where TFormat : struct, IWideFormat
    {
        Vector256<ushort> largest = default;
        for (nint p = 0; p < count; p += 32, x += 32 * height)
        {
            nint ahead = p + FetchAhead < count ? p + FetchAhead : p + FetchAhead + ((HalfProduct.GroupRows - 1) * stride);
            for (int group = 0; group < HalfProduct.GroupRows / 8; group++)
            {
                for (int r = 0; r < 8; r++) Sse.Prefetch1(rows[(8 * group) + r] + ahead);
                float* target = sums + (8 * group * height);
                largest = Square<TFormat>(rows + (8 * group), p, x, height, target, largest);
                largest = Square<TFormat>(rows + (8 * group), p + 16, x + 16, height, target, largest);
            }
        }

        return !Vector256.GreaterThanAny(largest, Vector256.Create(TFormat.LargestMagnitude));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Square<TFormat>(ushort** rows, nint p, float* x, int height, float* sums, Vector256<ushort> largest)
        where TFormat : struct, IWideFormat
    {
        // qQ_R: 128-bit lane L ← rows 4R..4R+3, pair of columns 4L + Q
        Quad<TFormat>(rows, p, ref largest, out Vector256<int> q0_0, out Vector256<int> q1_0, out Vector256<int> q2_0, out Vector256<int> q3_0);
        Quad<TFormat>(rows + 4, p, ref largest, out Vector256<int> q0_1, out Vector256<int> q1_1, out Vector256<int> q2_1, out Vector256<int> q3_1);

        // dP: lane v ← row v, pair of columns P
        Vector256<int> d0 = Avx2.Permute2x128(q0_0, q0_1, 0x20), d4 = Avx2.Permute2x128(q0_0, q0_1, 0x31);
        Vector256<int> d1 = Avx2.Permute2x128(q1_0, q1_1, 0x20), d5 = Avx2.Permute2x128(q1_0, q1_1, 0x31);
        Vector256<int> d2 = Avx2.Permute2x128(q2_0, q2_1, 0x20), d6 = Avx2.Permute2x128(q2_0, q2_1, 0x31);
        Vector256<int> d3 = Avx2.Permute2x128(q3_0, q3_1, 0x20), d7 = Avx2.Permute2x128(q3_0, q3_1, 0x31);

        if (height == 1)
        {
            Vector256<float> sum = Vector256.Load(sums);
            sum = Add<TFormat>(x, sum, d0, d1, d2, d3);
            Add<TFormat>(x + 8, sum, d4, d5, d6, d7).Store(sums);
            return largest;
        }

        AddRows<TFormat>(x, height, sums, d0, d1, d2, d3);
        AddRows<TFormat>(x + 8, height, sums, d4, d5, d6, d7);
        return largest;
    }

    /// <summary>Eight columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add<TFormat>(
        float* x, Vector256<float> sum, Vector256<int> d0, Vector256<int> d1, Vector256<int> d2, Vector256<int> d3)
        where TFormat : struct, IWideFormat
    {
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[0]), TFormat.Even(d0), sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[1]), TFormat.Odd(d0), sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[2]), TFormat.Even(d1), sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[3]), TFormat.Odd(d1), sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[4]), TFormat.Even(d2), sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[5]), TFormat.Odd(d2), sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[6]), TFormat.Even(d3), sum);
        sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[7]), TFormat.Odd(d3), sum);
        return sum;
    }

    /// <summary>Eight columns, widened once for all rows of X.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRows<TFormat>(
        float* x, int height, float* sums, Vector256<int> d0, Vector256<int> d1, Vector256<int> d2, Vector256<int> d3)
        where TFormat : struct, IWideFormat
    {
        Vector256<float> e0 = TFormat.Even(d0), e1 = TFormat.Even(d1), e2 = TFormat.Even(d2), e3 = TFormat.Even(d3);
        Vector256<float> o0 = TFormat.Odd(d0), o1 = TFormat.Odd(d1), o2 = TFormat.Odd(d2), o3 = TFormat.Odd(d3);
        for (int t = 0; t < height; t++, x += 32)
        {
            Vector256<float> sum = Vector256.Load(sums + (8 * t));
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[0]), e0, sum);
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[1]), o0, sum);
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[2]), e1, sum);
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[3]), o1, sum);
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[4]), e2, sum);
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[5]), o2, sum);
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[6]), e3, sum);
            sum = Vector256.FusedMultiplyAdd(Vector256.Create(x[7]), o3, sum);
            sum.Store(sums + (8 * t));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Row<TFormat>(ushort* row, nint p, ref Vector256<ushort> largest)
        where TFormat : struct, IWideFormat
    {
        Vector256<ushort> numbers = Vector256.Load(row + p);
        if (TFormat.MagnitudeBits != 0) largest = Vector256.Max(largest, numbers & Vector256.Create(TFormat.MagnitudeBits));
        return numbers.AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad<TFormat>(
        ushort** rows, nint p, ref Vector256<ushort> largest, out Vector256<int> q0, out Vector256<int> q1, out Vector256<int> q2, out Vector256<int> q3)
        where TFormat : struct, IWideFormat
    {
        Vector256<int> r0 = Row<TFormat>(rows[0], p, ref largest), r1 = Row<TFormat>(rows[1], p, ref largest);
        Vector256<int> r2 = Row<TFormat>(rows[2], p, ref largest), r3 = Row<TFormat>(rows[3], p, ref largest);
        Vector256<long> low01 = Avx2.UnpackLow(r0, r1).AsInt64(), high01 = Avx2.UnpackHigh(r0, r1).AsInt64();
        Vector256<long> low23 = Avx2.UnpackLow(r2, r3).AsInt64(), high23 = Avx2.UnpackHigh(r2, r3).AsInt64();
        q0 = Avx2.UnpackLow(low01, low23).AsInt32();
        q1 = Avx2.UnpackHigh(low01, low23).AsInt32();
        q2 = Avx2.UnpackLow(high01, high23).AsInt32();
        q3 = Avx2.UnpackHigh(high01, high23).AsInt32();
    }
}
