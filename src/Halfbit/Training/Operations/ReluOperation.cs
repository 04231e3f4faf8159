using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>y = max(x, 0). Backward: dx = dy where x &gt; 0, else 0.</summary>
internal static class ReluOperation
{
    /// <summary>Y ← max(X, 0).</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="Y">[tokens, n].</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => ElementwiseLoop.For(Y.Data.Length, (start, end) => TensorPrimitives.Max(X.Data.AsSpan(start, end - start), T.Zero, Y.Data.AsSpan(start, end - start)));

    /// <summary>dX ← the gradient of X.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dX">[tokens, n].</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T> dY, Matrix<T> dX)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => ElementwiseLoop.For(dY.Data.Length, (start, end) =>
        {
            ReadOnlySpan<T> x = X.Data.AsSpan(start, end - start), dy = dY.Data.AsSpan(start, end - start);
            Span<T> dx = dX.Data.AsSpan(start, end - start);
            for (int j = 0; j < dx.Length; j++) dx[j] = x[j] > T.Zero ? dy[j] : T.Zero;
        });
}
