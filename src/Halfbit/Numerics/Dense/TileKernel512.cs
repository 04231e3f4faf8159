using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>A tile of up to 14 rows and two 512-bit vectors: 28 of the 32 registers hold the sums.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <remarks>
/// Row r of the tile lives in two registers: lane v of left_r is column v, lane v of right_r is column v + lanes. Each lane is one chain of
/// fused multiply-adds in ascending depth, so neither the height of the tile nor the width of the vector shows in the result.
/// The number of rows is a type argument: the compiler drops the rows that a lower tile lacks.
/// </remarks>
internal sealed unsafe class TileKernel512<T> : TileKernel<T>
    where T : unmanaged
{
    /// <inheritdoc/>
    public override int Rows => 14;

    /// <inheritdoc/>
    public override int Columns => 2 * Vector512<T>.Count;

    /// <inheritdoc/>
    public override int Depth => sizeof(T) == 4 ? 384 : 256;

    /// <inheritdoc/>
    public override void Run(int rows, nint depth, T* a, T* b, T* c, nint stride, bool fromZero)
    {
        switch (rows)
        {
            case 1: Tile<Rows1>(depth, a, b, c, stride, fromZero); break;
            case 2: Tile<Rows2>(depth, a, b, c, stride, fromZero); break;
            case 3: Tile<Rows3>(depth, a, b, c, stride, fromZero); break;
            case 4: Tile<Rows4>(depth, a, b, c, stride, fromZero); break;
            case 5: Tile<Rows5>(depth, a, b, c, stride, fromZero); break;
            case 6: Tile<Rows6>(depth, a, b, c, stride, fromZero); break;
            case 7: Tile<Rows7>(depth, a, b, c, stride, fromZero); break;
            case 8: Tile<Rows8>(depth, a, b, c, stride, fromZero); break;
            case 9: Tile<Rows9>(depth, a, b, c, stride, fromZero); break;
            case 10: Tile<Rows10>(depth, a, b, c, stride, fromZero); break;
            case 11: Tile<Rows11>(depth, a, b, c, stride, fromZero); break;
            case 12: Tile<Rows12>(depth, a, b, c, stride, fromZero); break;
            case 13: Tile<Rows13>(depth, a, b, c, stride, fromZero); break;
            case 14: Tile<Rows14>(depth, a, b, c, stride, fromZero); break;
            default: throw new ArgumentOutOfRangeException(nameof(rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows>(nint depth, T* a, T* b, T* c, nint stride, bool fromZero)
        where TRows : struct, IRowCount
    {
        int lanes = Vector512<T>.Count;
        Vector512<T> left0 = default, right0 = default;
        Vector512<T> left1 = default, right1 = default;
        Vector512<T> left2 = default, right2 = default;
        Vector512<T> left3 = default, right3 = default;
        Vector512<T> left4 = default, right4 = default;
        Vector512<T> left5 = default, right5 = default;
        Vector512<T> left6 = default, right6 = default;
        Vector512<T> left7 = default, right7 = default;
        Vector512<T> left8 = default, right8 = default;
        Vector512<T> left9 = default, right9 = default;
        Vector512<T> left10 = default, right10 = default;
        Vector512<T> left11 = default, right11 = default;
        Vector512<T> left12 = default, right12 = default;
        Vector512<T> left13 = default, right13 = default;
        T* row = c;
        if (!fromZero)
        {
            left0 = Vector512.Load(row); right0 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride;
            if (TRows.Count > 1) { left1 = Vector512.Load(row); right1 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 2) { left2 = Vector512.Load(row); right2 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 3) { left3 = Vector512.Load(row); right3 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 4) { left4 = Vector512.Load(row); right4 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 5) { left5 = Vector512.Load(row); right5 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 6) { left6 = Vector512.Load(row); right6 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 7) { left7 = Vector512.Load(row); right7 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 8) { left8 = Vector512.Load(row); right8 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 9) { left9 = Vector512.Load(row); right9 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 10) { left10 = Vector512.Load(row); right10 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 11) { left11 = Vector512.Load(row); right11 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 12) { left12 = Vector512.Load(row); right12 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 13) { left13 = Vector512.Load(row); right13 = Vector512.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
        }

        for (; depth > 0; depth--)
        {
            Vector512<T> bLeft = Vector512.Load(b);
            Vector512<T> bRight = Vector512.Load(b + lanes);
            Vector512<T> x = Vector512.Create(a[0]);
            left0 = FusedMultiplyAdd(x, bLeft, left0); right0 = FusedMultiplyAdd(x, bRight, right0);
            if (TRows.Count > 1) { x = Vector512.Create(a[1]); left1 = FusedMultiplyAdd(x, bLeft, left1); right1 = FusedMultiplyAdd(x, bRight, right1); }
            if (TRows.Count > 2) { x = Vector512.Create(a[2]); left2 = FusedMultiplyAdd(x, bLeft, left2); right2 = FusedMultiplyAdd(x, bRight, right2); }
            if (TRows.Count > 3) { x = Vector512.Create(a[3]); left3 = FusedMultiplyAdd(x, bLeft, left3); right3 = FusedMultiplyAdd(x, bRight, right3); }
            if (TRows.Count > 4) { x = Vector512.Create(a[4]); left4 = FusedMultiplyAdd(x, bLeft, left4); right4 = FusedMultiplyAdd(x, bRight, right4); }
            if (TRows.Count > 5) { x = Vector512.Create(a[5]); left5 = FusedMultiplyAdd(x, bLeft, left5); right5 = FusedMultiplyAdd(x, bRight, right5); }
            if (TRows.Count > 6) { x = Vector512.Create(a[6]); left6 = FusedMultiplyAdd(x, bLeft, left6); right6 = FusedMultiplyAdd(x, bRight, right6); }
            if (TRows.Count > 7) { x = Vector512.Create(a[7]); left7 = FusedMultiplyAdd(x, bLeft, left7); right7 = FusedMultiplyAdd(x, bRight, right7); }
            if (TRows.Count > 8) { x = Vector512.Create(a[8]); left8 = FusedMultiplyAdd(x, bLeft, left8); right8 = FusedMultiplyAdd(x, bRight, right8); }
            if (TRows.Count > 9) { x = Vector512.Create(a[9]); left9 = FusedMultiplyAdd(x, bLeft, left9); right9 = FusedMultiplyAdd(x, bRight, right9); }
            if (TRows.Count > 10) { x = Vector512.Create(a[10]); left10 = FusedMultiplyAdd(x, bLeft, left10); right10 = FusedMultiplyAdd(x, bRight, right10); }
            if (TRows.Count > 11) { x = Vector512.Create(a[11]); left11 = FusedMultiplyAdd(x, bLeft, left11); right11 = FusedMultiplyAdd(x, bRight, right11); }
            if (TRows.Count > 12) { x = Vector512.Create(a[12]); left12 = FusedMultiplyAdd(x, bLeft, left12); right12 = FusedMultiplyAdd(x, bRight, right12); }
            if (TRows.Count > 13) { x = Vector512.Create(a[13]); left13 = FusedMultiplyAdd(x, bLeft, left13); right13 = FusedMultiplyAdd(x, bRight, right13); }
            a += TRows.PackedStride;
            b += 2 * lanes;
        }

        row = c;
        left0.Store(row); right0.Store(row + lanes); row += stride;
        if (TRows.Count > 1) { left1.Store(row); right1.Store(row + lanes); row += stride; }
        if (TRows.Count > 2) { left2.Store(row); right2.Store(row + lanes); row += stride; }
        if (TRows.Count > 3) { left3.Store(row); right3.Store(row + lanes); row += stride; }
        if (TRows.Count > 4) { left4.Store(row); right4.Store(row + lanes); row += stride; }
        if (TRows.Count > 5) { left5.Store(row); right5.Store(row + lanes); row += stride; }
        if (TRows.Count > 6) { left6.Store(row); right6.Store(row + lanes); row += stride; }
        if (TRows.Count > 7) { left7.Store(row); right7.Store(row + lanes); row += stride; }
        if (TRows.Count > 8) { left8.Store(row); right8.Store(row + lanes); row += stride; }
        if (TRows.Count > 9) { left9.Store(row); right9.Store(row + lanes); row += stride; }
        if (TRows.Count > 10) { left10.Store(row); right10.Store(row + lanes); row += stride; }
        if (TRows.Count > 11) { left11.Store(row); right11.Store(row + lanes); row += stride; }
        if (TRows.Count > 12) { left12.Store(row); right12.Store(row + lanes); row += stride; }
        if (TRows.Count > 13) { left13.Store(row); right13.Store(row + lanes); row += stride; }
    }

    /// <summary>Asks for the elements of C right of this tile, which the next call is likely to continue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(T* address)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(address);
        Sse.Prefetch0(address + 64 / sizeof(T));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> FusedMultiplyAdd(Vector512<T> x, Vector512<T> y, Vector512<T> z)
        => typeof(T) == typeof(double)
            ? Vector512.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>()
            : Vector512.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>();
}
