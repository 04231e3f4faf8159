using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>A linear layer: Y = X·Wᵀ + b. Backward: dX = dY·W, dW += dYᵀ·X, db += Σ_t dY_t.</summary>
internal static class LinearOperation
{
    private const int RowsAtOnce = 64;

    /// <summary>Y ← X·Wᵀ + b.</summary>
    /// <param name="X">[tokens, in].</param>
    /// <param name="W">[out, in].</param>
    /// <param name="bias">[1, out], or null.</param>
    /// <param name="Y">[tokens, out].</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T> W, Matrix<T>? bias, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        GenericProduct.MultiplyTransposed(X.View, W.View, Y.View);
        if (bias is null) return;
        RowParallel.For(Y.Rows, RowsAtOnce, (start, end) =>
        {
            for (int t = start; t < end; t++) TensorPrimitives.Add(Y.Row(t), bias.Data, Y.Row(t));
        });
    }

    /// <summary>The gradients of everything that a linear layer reads.</summary>
    /// <param name="X">[tokens, in].</param>
    /// <param name="W">[out, in].</param>
    /// <param name="dY">[tokens, out].</param>
    /// <param name="dX">[tokens, in], or null where nobody needs it.</param>
    /// <param name="accumulateDX">Whether dX is added to.</param>
    /// <param name="dW">[out, in], added to; null where W is not trained.</param>
    /// <param name="dBias">[1, out], added to; or null.</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T> W, Matrix<T> dY, Matrix<T>? dX, bool accumulateDX, Matrix<T>? dW, Matrix<T>? dBias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (dX is not null) GenericProduct.Multiply(dY.View, W.View, dX.View, accumulateDX);
        if (dW is not null) GenericProduct.MultiplyFirstTransposed(dY.View, X.View, dW.View, accumulate: true);
        if (dBias is not null) ColumnSum.Add(dY.Rows, dBias, (t, sum) => TensorPrimitives.Add(sum, dY.Row(t), sum));
    }
}
