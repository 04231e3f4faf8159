using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary><see cref="IHalfSquares"/> of 16 rows and 32 columns: a load is a cache line.</summary>
internal sealed unsafe class HalfSquares512 : IHalfSquares
{
    public static readonly HalfSquares512 Instance = new();

    /// <summary>Columns that are fetched in advance, of all 32 rows; measured.</summary>
    private const int FetchAhead = 256;

    private HalfSquares512()
    {
    }

    /// <summary>Whether 16-bit lanes can be compared, too.</summary>
    public static bool IsSupported => Avx512BW.IsSupported;

    /// <inheritdoc/>
    public int Lanes => 16;

    /// <inheritdoc/>
    public int Columns => 32;

    /// <inheritdoc/>
    public bool Accumulate<TFormat>(ushort** rows, nint count, nint stride, float* x, int height, float* sums)
        where TFormat : struct, IWideFormat
        => height == 1 ? AccumulateOne<TFormat>(rows, count, stride, x, sums) : AccumulateRows<TFormat>(rows, count, stride, x, height, sums);

    /// <summary>One row of X: while a square is added, in one long chain, the next one of the other rows of W is loaded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool AccumulateOne<TFormat>(ushort** rows, nint count, nint stride, float* x, float* sums)
        where TFormat : struct, IWideFormat
    {
        if (count == 0) return true;
        Vector512<ushort> largest = default;
        Vector512<int> d0 = default, d1 = default, d2 = default, d3 = default, d4 = default, d5 = default, d6 = default, d7 = default;
        Vector512<int> d8 = default, d9 = default, d10 = default, d11 = default, d12 = default, d13 = default, d14 = default, d15 = default;
        Vector512<float> sum = default, other = default;
        nint steps = 2 * (count / 32);
        for (nint step = 0; step <= steps; step++)
        {
            // The first time zeros are added, the last time the last square is loaded again.
            nint next = step < steps ? step : step - 1;
            float* left = x + (32 * ((step > 0 ? step - 1 : 0) / 2));
            ushort** group = rows + (16 * (next & 1));
            nint p = 32 * (next / 2);
            nint ahead = p + FetchAhead < count ? p + FetchAhead : p + FetchAhead + ((HalfProduct.GroupRows - 1) * stride);

            Quad<TFormat>(group, p, ahead, ref largest, out Vector512<int> q0_0, out Vector512<int> q1_0, out Vector512<int> q2_0, out Vector512<int> q3_0);
            sum = Add<TFormat>(left, sum, d0, d1, d2, d3);
            Quad<TFormat>(group + 4, p, ahead, ref largest, out Vector512<int> q0_1, out Vector512<int> q1_1, out Vector512<int> q2_1, out Vector512<int> q3_1);
            sum = Add<TFormat>(left + 8, sum, d4, d5, d6, d7);
            Quad<TFormat>(group + 8, p, ahead, ref largest, out Vector512<int> q0_2, out Vector512<int> q1_2, out Vector512<int> q2_2, out Vector512<int> q3_2);
            sum = Add<TFormat>(left + 16, sum, d8, d9, d10, d11);
            Quad<TFormat>(group + 12, p, ahead, ref largest, out Vector512<int> q0_3, out Vector512<int> q1_3, out Vector512<int> q2_3, out Vector512<int> q3_3);
            sum = Add<TFormat>(left + 24, sum, d12, d13, d14, d15);

            Lanes4(q0_0, q0_1, q0_2, q0_3, out d0, out d4, out d8, out d12);
            Lanes4(q1_0, q1_1, q1_2, q1_3, out d1, out d5, out d9, out d13);
            Lanes4(q2_0, q2_1, q2_2, q2_3, out d2, out d6, out d10, out d14);
            Lanes4(q3_0, q3_1, q3_2, q3_3, out d3, out d7, out d11, out d15);
            (sum, other) = (other, sum);
        }

        // The second group came last and is the other one now.
        sum.Store(sums);
        other.Store(sums + 16);
        return !Vector512.GreaterThanAny(largest, Vector512.Create(TFormat.LargestMagnitude));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool AccumulateRows<TFormat>(ushort** rows, nint count, nint stride, float* x, int height, float* sums)
        where TFormat : struct, IWideFormat
    {
        Vector512<ushort> largest = default;
        for (nint p = 0; p < count; p += 32, x += 32 * height)
        {
            // Beyond the end of these rows come those of the next group.
            nint ahead = p + FetchAhead < count ? p + FetchAhead : p + FetchAhead + ((HalfProduct.GroupRows - 1) * stride);
            float* target = sums;
            for (ushort** group = rows; group < rows + HalfProduct.GroupRows; group += 16, target += 16 * height)
            {
                // qQ_R: 128-bit lane L ← rows 4R..4R+3, pair of columns 4L + Q
                Quad<TFormat>(group, p, ahead, ref largest, out Vector512<int> q0_0, out Vector512<int> q1_0, out Vector512<int> q2_0, out Vector512<int> q3_0);
                Quad<TFormat>(group + 4, p, ahead, ref largest, out Vector512<int> q0_1, out Vector512<int> q1_1, out Vector512<int> q2_1, out Vector512<int> q3_1);
                Quad<TFormat>(group + 8, p, ahead, ref largest, out Vector512<int> q0_2, out Vector512<int> q1_2, out Vector512<int> q2_2, out Vector512<int> q3_2);
                Quad<TFormat>(group + 12, p, ahead, ref largest, out Vector512<int> q0_3, out Vector512<int> q1_3, out Vector512<int> q2_3, out Vector512<int> q3_3);

                // dP: lane v ← row v, pair of columns P
                Lanes4(q0_0, q0_1, q0_2, q0_3, out Vector512<int> d0, out Vector512<int> d4, out Vector512<int> d8, out Vector512<int> d12);
                Lanes4(q1_0, q1_1, q1_2, q1_3, out Vector512<int> d1, out Vector512<int> d5, out Vector512<int> d9, out Vector512<int> d13);
                Lanes4(q2_0, q2_1, q2_2, q2_3, out Vector512<int> d2, out Vector512<int> d6, out Vector512<int> d10, out Vector512<int> d14);
                Lanes4(q3_0, q3_1, q3_2, q3_3, out Vector512<int> d3, out Vector512<int> d7, out Vector512<int> d11, out Vector512<int> d15);
                AddRows<TFormat>(x, height, target, d0, d1, d2, d3, d4, d5, d6, d7);
                AddRows<TFormat>(x + 16, height, target, d8, d9, d10, d11, d12, d13, d14, d15);
            }
        }

        return !Vector512.GreaterThanAny(largest, Vector512.Create(TFormat.LargestMagnitude));
    }

    /// <summary>Eight columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TFormat>(float* x, Vector512<float> sum, Vector512<int> d0, Vector512<int> d1, Vector512<int> d2, Vector512<int> d3)
        where TFormat : struct, IWideFormat
    {
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[0]), TFormat.Even(d0), sum);
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[1]), TFormat.Odd(d0), sum);
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[2]), TFormat.Even(d1), sum);
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[3]), TFormat.Odd(d1), sum);
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[4]), TFormat.Even(d2), sum);
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[5]), TFormat.Odd(d2), sum);
        sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[6]), TFormat.Even(d3), sum);
        return Vector512.FusedMultiplyAdd(Vector512.Create(x[7]), TFormat.Odd(d3), sum);
    }

    /// <summary>Sixteen columns, widened once for all rows of X.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRows<TFormat>(
        float* x, int height, float* sums, Vector512<int> d0, Vector512<int> d1, Vector512<int> d2, Vector512<int> d3, Vector512<int> d4, Vector512<int> d5, Vector512<int> d6, Vector512<int> d7)
        where TFormat : struct, IWideFormat
    {
        Vector512<float> e0 = TFormat.Even(d0), e1 = TFormat.Even(d1), e2 = TFormat.Even(d2), e3 = TFormat.Even(d3);
        Vector512<float> e4 = TFormat.Even(d4), e5 = TFormat.Even(d5), e6 = TFormat.Even(d6), e7 = TFormat.Even(d7);
        Vector512<float> o0 = TFormat.Odd(d0), o1 = TFormat.Odd(d1), o2 = TFormat.Odd(d2), o3 = TFormat.Odd(d3);
        Vector512<float> o4 = TFormat.Odd(d4), o5 = TFormat.Odd(d5), o6 = TFormat.Odd(d6), o7 = TFormat.Odd(d7);
        for (int t = 0; t < height; t++, x += 32)
        {
            Vector512<float> sum = Vector512.Load(sums + (16 * t));
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[0]), e0, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[1]), o0, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[2]), e1, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[3]), o1, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[4]), e2, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[5]), o2, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[6]), e3, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[7]), o3, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[8]), e4, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[9]), o4, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[10]), e5, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[11]), o5, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[12]), e6, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[13]), o6, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[14]), e7, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[15]), o7, sum);
            sum.Store(sums + (16 * t));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Row<TFormat>(ushort* row, nint p, nint ahead, ref Vector512<ushort> largest)
        where TFormat : struct, IWideFormat
    {
        Sse.Prefetch1(row + ahead);
        Vector512<ushort> numbers = Vector512.Load(row + p);
        if (TFormat.MagnitudeBits != 0) largest = Vector512.Max(largest, numbers & Vector512.Create(TFormat.MagnitudeBits));
        return numbers.AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad<TFormat>(
        ushort** rows, nint p, nint ahead, ref Vector512<ushort> largest, out Vector512<int> q0, out Vector512<int> q1, out Vector512<int> q2, out Vector512<int> q3)
        where TFormat : struct, IWideFormat
    {
        Vector512<int> r0 = Row<TFormat>(rows[0], p, ahead, ref largest), r1 = Row<TFormat>(rows[1], p, ahead, ref largest);
        Vector512<int> r2 = Row<TFormat>(rows[2], p, ahead, ref largest), r3 = Row<TFormat>(rows[3], p, ahead, ref largest);
        Vector512<long> low01 = Avx512F.UnpackLow(r0, r1).AsInt64(), high01 = Avx512F.UnpackHigh(r0, r1).AsInt64();
        Vector512<long> low23 = Avx512F.UnpackLow(r2, r3).AsInt64(), high23 = Avx512F.UnpackHigh(r2, r3).AsInt64();
        q0 = Avx512F.UnpackLow(low01, low23).AsInt32();
        q1 = Avx512F.UnpackHigh(low01, low23).AsInt32();
        q2 = Avx512F.UnpackLow(high01, high23).AsInt32();
        q3 = Avx512F.UnpackHigh(high01, high23).AsInt32();
    }

    /// <summary>Transposes four vectors of four 128-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lanes4(
        Vector512<int> x0, Vector512<int> x1, Vector512<int> x2, Vector512<int> x3,
        out Vector512<int> y0, out Vector512<int> y1, out Vector512<int> y2, out Vector512<int> y3)
    {
        Vector512<int> even01 = Avx512F.Shuffle4x128(x0, x1, 0x88), odd01 = Avx512F.Shuffle4x128(x0, x1, 0xDD);     // lanes 0, 2 | 1, 3 of both
        Vector512<int> even23 = Avx512F.Shuffle4x128(x2, x3, 0x88), odd23 = Avx512F.Shuffle4x128(x2, x3, 0xDD);
        y0 = Avx512F.Shuffle4x128(even01, even23, 0x88);
        y2 = Avx512F.Shuffle4x128(even01, even23, 0xDD);
        y1 = Avx512F.Shuffle4x128(odd01, odd23, 0x88);
        y3 = Avx512F.Shuffle4x128(odd01, odd23, 0xDD);
    }
}
