using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// LayerNorm (arXiv 1607.06450): y = w ⊙ x̂ + b, x̂ = r·(x − mean(x)), r = 1/√(var(x) + ε).
/// Backward with g = w ⊙ dy: dx = r·(g − mean(g) − x̂·mean(g ⊙ x̂)), dw = Σ_t dy ⊙ x̂, db = Σ_t dy.
/// </summary>
internal static class LayerNormOperation
{
    private const int RowsAtOnce = 32;

    /// <summary>Y ← norm of each row of X.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="weight">[1, n], or null for 1.</param>
    /// <param name="bias">[1, n], or null for 0.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="Y">[tokens, n].</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T>? weight, Matrix<T>? bias, double epsilon, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => RowParallel.For(X.Rows, RowsAtOnce, (start, end) =>
        {
            for (int t = start; t < end; t++)
            {
                Span<T> y = Y.Row(t);
                Normalize(X.Row(t), epsilon, y);
                if (weight is not null) TensorPrimitives.Multiply(y, weight.Data, y);
                if (bias is not null) TensorPrimitives.Add(y, bias.Data, y);
            }
        });

    /// <summary>dX += the gradient of X, and those of weight and bias.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="weight">[1, n], or null for 1.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dX">[tokens, n], added to.</param>
    /// <param name="dWeight">[1, n], added to; or null.</param>
    /// <param name="dBias">[1, n], added to; or null.</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T>? weight, double epsilon, Matrix<T> dY, Matrix<T> dX, Matrix<T>? dWeight, Matrix<T>? dBias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowParallel.For(X.Rows, RowsAtOnce, (start, end) =>
        {
            int n = X.Columns;
            Span<T> room = RowScratch<T>.Take(2 * n);
            Span<T> g = room[..n], normalized = room[n..];
            for (int t = start; t < end; t++)
            {
                T r = Normalize(X.Row(t), epsilon, normalized);
                if (weight is null) dY.Row(t).CopyTo(g);
                else TensorPrimitives.Multiply(weight.Data, dY.Row(t), g);
                T mean = TensorPrimitives.Sum<T>(g) / T.CreateChecked(n);
                T share = TensorPrimitives.Dot<T>(g, normalized) / T.CreateChecked(n);
                TensorPrimitives.Subtract(g, mean, g);
                TensorPrimitives.MultiplyAdd(normalized, -share, g, g);
                TensorPrimitives.MultiplyAdd(g, r, dX.Row(t), dX.Row(t));
            }
        });
        if (dBias is not null) ColumnSum.Add(X.Rows, dBias, (t, sum) => TensorPrimitives.Add(sum, dY.Row(t), sum));
        if (dWeight is null) return;
        ColumnSum.Add(X.Rows, dWeight, (t, sum) =>
        {
            Span<T> normalized = RowScratch<T>.Take(X.Columns);
            Normalize(X.Row(t), epsilon, normalized);
            TensorPrimitives.MultiplyAdd(normalized, dY.Row(t), sum, sum);
        });
    }

    /// <summary>y ← x̂.</summary>
    /// <returns>r.</returns>
    private static T Normalize<T>(ReadOnlySpan<T> x, double epsilon, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T n = T.CreateChecked(x.Length);
        TensorPrimitives.Subtract(x, TensorPrimitives.Sum(x) / n, y);
        T r = T.One / T.Sqrt((TensorPrimitives.SumOfSquares<T>(y) / n) + T.CreateChecked(epsilon));
        TensorPrimitives.Multiply(y, r, y);
        return r;
    }
}
