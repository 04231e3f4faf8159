using System.Runtime.CompilerServices;

namespace Halfbit.Numerics;

/// <summary>The definition of a tile: one element at a time.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed unsafe class TileKernelScalar<T> : TileKernel<T>
    where T : unmanaged
{
    /// <inheritdoc/>
    public override int Rows => 4;

    /// <inheritdoc/>
    public override int Columns => 4;

    /// <inheritdoc/>
    public override int Depth => 256;

    /// <inheritdoc/>
    public override void Run(int rows, nint depth, T* a, T* b, T* c, nint stride, bool fromZero)
    {
        int packedStride = PackedStride(rows);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < Columns; j++)
            {
                T sum = fromZero ? default : c[(i * stride) + j];
                for (nint p = 0; p < depth; p++) sum = FusedMultiplyAdd(a[(p * packedStride) + i], b[(p * Columns) + j], sum);
                c[(i * stride) + j] = sum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T FusedMultiplyAdd(T x, T y, T z)
    {
        if (typeof(T) == typeof(double))
            return Unsafe.BitCast<double, T>(Math.FusedMultiplyAdd(Unsafe.BitCast<T, double>(x), Unsafe.BitCast<T, double>(y), Unsafe.BitCast<T, double>(z)));
        return Unsafe.BitCast<float, T>(MathF.FusedMultiplyAdd(Unsafe.BitCast<T, float>(x), Unsafe.BitCast<T, float>(y), Unsafe.BitCast<T, float>(z)));
    }
}
