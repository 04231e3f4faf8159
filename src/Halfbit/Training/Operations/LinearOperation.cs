using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>A linear layer: Y = X·Wᵀ + b.</summary>
internal static class LinearOperation
{
    /// <summary>Y ← X·Wᵀ + b.</summary>
    /// <param name="X">[tokens, in].</param>
    /// <param name="W">[out, in].</param>
    /// <param name="bias">[1, out], or null for 0.</param>
    /// <param name="Y">[tokens, out], destination.</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T> W, Matrix<T>? bias, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(W, W.Rows, X.Columns);
        ShapeCheck.Is(bias, 1, W.Rows);
        ShapeCheck.Is(Y, X.Rows, W.Rows);
        GenericProduct.MultiplyTransposed(X.View, W.View, Y.View);
        if (bias is null) return;
        SteadyLoop.For(Y.Rows, Grain.Of(Y.Columns), (Y, bias), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) TensorPrimitives.Add(s.Y.Row(t), s.bias.Row(0), s.Y.Row(t));
        });
    }

    /// <summary>dX ← (dX +) dY·W;  dW ← dW + dYᵀ·X;  db ← db + Σₜ dYₜ.</summary>
    /// <param name="X">[tokens, in], as in the forward pass.</param>
    /// <param name="W">[out, in].</param>
    /// <param name="dY">[tokens, out].</param>
    /// <param name="dX">[tokens, in], or null where it is not wanted.</param>
    /// <param name="accumulateDX">Whether to add to dX instead of replacing it.</param>
    /// <param name="dW">[out, in], added to; null where it is not wanted.</param>
    /// <param name="dBias">[1, out], added to; null where it is not wanted.</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T> W, Matrix<T> dY, Matrix<T>? dX, bool accumulateDX, Matrix<T>? dW, Matrix<T>? dBias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(W, W.Rows, X.Columns);
        ShapeCheck.Is(dY, X.Rows, W.Rows);
        ShapeCheck.Is(dX, X.Rows, X.Columns);
        ShapeCheck.Is(dW, W.Rows, W.Columns);
        ShapeCheck.Is(dBias, 1, W.Rows);
        if (dX is not null) GenericProduct.Multiply(dY.View, W.View, dX.View, accumulateDX);
        if (dW is not null) GenericProduct.MultiplyFirstTransposed(dY.View, X.View, dW.View, accumulate: true);
        if (dBias is not null) TokenChunks<T>.AddColumnSums(dY, dBias);
    }
}
