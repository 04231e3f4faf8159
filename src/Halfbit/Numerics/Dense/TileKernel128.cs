using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>A tile of up to 6 rows and two 128-bit vectors, for any processor.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <remarks>
/// Row r of the tile lives in two registers: lane v of left_r is column v, lane v of right_r is column v + lanes. Each lane is one chain of
/// fused multiply-adds in ascending depth, so neither the height of the tile nor the width of the vector shows in the result.
/// The number of rows is a type argument: the compiler drops the rows that a lower tile lacks.
/// </remarks>
internal sealed unsafe class TileKernel128<T> : TileKernel<T>
    where T : unmanaged
{
    /// <inheritdoc/>
    public override int Rows => 6;

    /// <inheritdoc/>
    public override int Columns => 2 * Vector128<T>.Count;

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
            default: throw new ArgumentOutOfRangeException(nameof(rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TRows>(nint depth, T* a, T* b, T* c, nint stride, bool fromZero)
        where TRows : struct, IRowCount
    {
        int lanes = Vector128<T>.Count;
        Vector128<T> left0 = default, right0 = default;
        Vector128<T> left1 = default, right1 = default;
        Vector128<T> left2 = default, right2 = default;
        Vector128<T> left3 = default, right3 = default;
        Vector128<T> left4 = default, right4 = default;
        Vector128<T> left5 = default, right5 = default;
        T* row = c;
        if (!fromZero)
        {
            left0 = Vector128.Load(row); right0 = Vector128.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride;
            if (TRows.Count > 1) { left1 = Vector128.Load(row); right1 = Vector128.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 2) { left2 = Vector128.Load(row); right2 = Vector128.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 3) { left3 = Vector128.Load(row); right3 = Vector128.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 4) { left4 = Vector128.Load(row); right4 = Vector128.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
            if (TRows.Count > 5) { left5 = Vector128.Load(row); right5 = Vector128.Load(row + lanes); Prefetch(row + (2 * lanes)); row += stride; }
        }

        for (; depth > 0; depth--)
        {
            Vector128<T> bLeft = Vector128.Load(b);
            Vector128<T> bRight = Vector128.Load(b + lanes);
            Vector128<T> x = Vector128.Create(a[0]);
            left0 = FusedMultiplyAdd(x, bLeft, left0); right0 = FusedMultiplyAdd(x, bRight, right0);
            if (TRows.Count > 1) { x = Vector128.Create(a[1]); left1 = FusedMultiplyAdd(x, bLeft, left1); right1 = FusedMultiplyAdd(x, bRight, right1); }
            if (TRows.Count > 2) { x = Vector128.Create(a[2]); left2 = FusedMultiplyAdd(x, bLeft, left2); right2 = FusedMultiplyAdd(x, bRight, right2); }
            if (TRows.Count > 3) { x = Vector128.Create(a[3]); left3 = FusedMultiplyAdd(x, bLeft, left3); right3 = FusedMultiplyAdd(x, bRight, right3); }
            if (TRows.Count > 4) { x = Vector128.Create(a[4]); left4 = FusedMultiplyAdd(x, bLeft, left4); right4 = FusedMultiplyAdd(x, bRight, right4); }
            if (TRows.Count > 5) { x = Vector128.Create(a[5]); left5 = FusedMultiplyAdd(x, bLeft, left5); right5 = FusedMultiplyAdd(x, bRight, right5); }
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
    }

    /// <summary>Asks for the elements of C right of this tile, which the next call is likely to continue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(T* address)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(address);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> FusedMultiplyAdd(Vector128<T> x, Vector128<T> y, Vector128<T> z)
    {
        if (typeof(T) == typeof(double)) return PortableFusedMultiplyAdd.Double(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();
        return PortableFusedMultiplyAdd.Single(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>();
    }
}
