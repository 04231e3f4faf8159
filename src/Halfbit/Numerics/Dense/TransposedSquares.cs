using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>Sums over squares of B that are transposed in registers.</summary>
internal static unsafe class TransposedSquares
{
    /// <summary>sums[i, v] ← sums[i, v] + Σₚ a[i, p]·rows[v][p] with 16 rows, p ascending.</summary>
    /// <param name="rows">16 addresses.</param>
    /// <param name="depth">A multiple of 16.</param>
    /// <param name="a">[depth / 16, height, 16].</param>
    /// <param name="height">Rows of a.</param>
    /// <param name="sums">[height, 16].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate512(float** rows, nint depth, float* a, int height, float* sums)
    {
        for (nint p = 0; p < depth; p += 16)
        {
            // qQ_R: 128-bit lane L ← rows 4R..4R+3 at depth p + 4L + Q
            Quad(rows, p, out Vector512<float> q0_0, out Vector512<float> q1_0, out Vector512<float> q2_0, out Vector512<float> q3_0);
            Quad(rows + 4, p, out Vector512<float> q0_1, out Vector512<float> q1_1, out Vector512<float> q2_1, out Vector512<float> q3_1);
            Quad(rows + 8, p, out Vector512<float> q0_2, out Vector512<float> q1_2, out Vector512<float> q2_2, out Vector512<float> q3_2);
            Quad(rows + 12, p, out Vector512<float> q0_3, out Vector512<float> q1_3, out Vector512<float> q2_3, out Vector512<float> q3_3);

            // dP: lane v ← row v at depth p + P
            Lanes(q0_0, q0_1, q0_2, q0_3, out Vector512<float> d0, out Vector512<float> d4, out Vector512<float> d8, out Vector512<float> d12);
            Lanes(q1_0, q1_1, q1_2, q1_3, out Vector512<float> d1, out Vector512<float> d5, out Vector512<float> d9, out Vector512<float> d13);
            Lanes(q2_0, q2_1, q2_2, q2_3, out Vector512<float> d2, out Vector512<float> d6, out Vector512<float> d10, out Vector512<float> d14);
            Lanes(q3_0, q3_1, q3_2, q3_3, out Vector512<float> d3, out Vector512<float> d7, out Vector512<float> d11, out Vector512<float> d15);

            for (int i = 0; i < height; i++, a += 16)
            {
                Vector512<float> sum = Vector512.Load(sums + (16 * i));
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[0]), d0, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[1]), d1, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[2]), d2, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[3]), d3, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[4]), d4, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[5]), d5, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[6]), d6, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[7]), d7, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[8]), d8, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[9]), d9, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[10]), d10, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[11]), d11, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[12]), d12, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[13]), d13, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[14]), d14, sum);
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[15]), d15, sum);
                sum.Store(sums + (16 * i));
            }
        }
    }

    /// <summary>As <see cref="Accumulate512"/> with 8 rows and squares of 8.</summary>
    /// <param name="rows">8 addresses.</param>
    /// <param name="depth">A multiple of 8.</param>
    /// <param name="a">[depth / 8, height, 8].</param>
    /// <param name="height">Rows of a.</param>
    /// <param name="sums">[height, 8].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate256(float** rows, nint depth, float* a, int height, float* sums)
    {
        for (nint p = 0; p < depth; p += 8)
        {
            // qQ_R: 128-bit lane L ← rows 4R..4R+3 at depth p + 4L + Q
            Quad(rows, p, out Vector256<float> q0_0, out Vector256<float> q1_0, out Vector256<float> q2_0, out Vector256<float> q3_0);
            Quad(rows + 4, p, out Vector256<float> q0_1, out Vector256<float> q1_1, out Vector256<float> q2_1, out Vector256<float> q3_1);
            Vector256<float> d0 = Avx.Permute2x128(q0_0, q0_1, 0x20), d4 = Avx.Permute2x128(q0_0, q0_1, 0x31);
            Vector256<float> d1 = Avx.Permute2x128(q1_0, q1_1, 0x20), d5 = Avx.Permute2x128(q1_0, q1_1, 0x31);
            Vector256<float> d2 = Avx.Permute2x128(q2_0, q2_1, 0x20), d6 = Avx.Permute2x128(q2_0, q2_1, 0x31);
            Vector256<float> d3 = Avx.Permute2x128(q3_0, q3_1, 0x20), d7 = Avx.Permute2x128(q3_0, q3_1, 0x31);

            for (int i = 0; i < height; i++, a += 8)
            {
                Vector256<float> sum = Vector256.Load(sums + (8 * i));
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[0]), d0, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[1]), d1, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[2]), d2, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[3]), d3, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[4]), d4, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[5]), d5, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[6]), d6, sum);
                sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[7]), d7, sum);
                sum.Store(sums + (8 * i));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(float** rows, nint p, out Vector512<float> q0, out Vector512<float> q1, out Vector512<float> q2, out Vector512<float> q3)
    {
        Vector512<float> r0 = Vector512.Load(rows[0] + p), r1 = Vector512.Load(rows[1] + p), r2 = Vector512.Load(rows[2] + p), r3 = Vector512.Load(rows[3] + p);
        Vector512<float> low01 = Avx512F.UnpackLow(r0, r1), high01 = Avx512F.UnpackHigh(r0, r1);
        Vector512<float> low23 = Avx512F.UnpackLow(r2, r3), high23 = Avx512F.UnpackHigh(r2, r3);
        q0 = Avx512F.Shuffle(low01, low23, 0x44);
        q1 = Avx512F.Shuffle(low01, low23, 0xEE);
        q2 = Avx512F.Shuffle(high01, high23, 0x44);
        q3 = Avx512F.Shuffle(high01, high23, 0xEE);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(float** rows, nint p, out Vector256<float> q0, out Vector256<float> q1, out Vector256<float> q2, out Vector256<float> q3)
    {
        Vector256<float> r0 = Vector256.Load(rows[0] + p), r1 = Vector256.Load(rows[1] + p), r2 = Vector256.Load(rows[2] + p), r3 = Vector256.Load(rows[3] + p);
        Vector256<float> low01 = Avx.UnpackLow(r0, r1), high01 = Avx.UnpackHigh(r0, r1);
        Vector256<float> low23 = Avx.UnpackLow(r2, r3), high23 = Avx.UnpackHigh(r2, r3);
        q0 = Avx.Shuffle(low01, low23, 0x44);
        q1 = Avx.Shuffle(low01, low23, 0xEE);
        q2 = Avx.Shuffle(high01, high23, 0x44);
        q3 = Avx.Shuffle(high01, high23, 0xEE);
    }

    /// <summary>Transposes four vectors of four 128-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lanes(
        Vector512<float> x0, Vector512<float> x1, Vector512<float> x2, Vector512<float> x3,
        out Vector512<float> y0, out Vector512<float> y1, out Vector512<float> y2, out Vector512<float> y3)
    {
        Vector512<float> even01 = Avx512F.Shuffle4x128(x0, x1, 0x88), odd01 = Avx512F.Shuffle4x128(x0, x1, 0xDD);     // lanes 0, 2 | 1, 3 of both
        Vector512<float> even23 = Avx512F.Shuffle4x128(x2, x3, 0x88), odd23 = Avx512F.Shuffle4x128(x2, x3, 0xDD);
        y0 = Avx512F.Shuffle4x128(even01, even23, 0x88);
        y2 = Avx512F.Shuffle4x128(even01, even23, 0xDD);
        y1 = Avx512F.Shuffle4x128(odd01, odd23, 0x88);
        y3 = Avx512F.Shuffle4x128(odd01, odd23, 0xDD);
    }
}
