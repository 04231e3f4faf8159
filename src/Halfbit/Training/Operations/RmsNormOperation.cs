using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// RMSNorm (arXiv 1910.07467): y = w ⊙ x̂, x̂ = r·x, r = 1/√(mean(x²) + ε). Backward with g = w ⊙ dy: dx = r·(g − x̂·mean(g ⊙ x̂)), dw = Σ_t dy ⊙ x̂.
/// </summary>
internal static class RmsNormOperation
{
    private const int RowsAtOnce = 32;

    /// <summary>Y ← norm of each row of X.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="weight">[1, n].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="Y">[tokens, n].</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T> weight, double epsilon, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => RowParallel.For(X.Rows, RowsAtOnce, (start, end) =>
        {
            for (int t = start; t < end; t++)
            {
                TensorPrimitives.Multiply(X.Row(t), InverseRoot<T>(X.Row(t), epsilon), Y.Row(t));
                TensorPrimitives.Multiply(Y.Row(t), weight.Data, Y.Row(t));
            }
        });

    /// <summary>dX += the gradient of X, dWeight += that of the weight.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="weight">[1, n].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dX">[tokens, n], added to.</param>
    /// <param name="dWeight">[1, n], added to; or null.</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T> weight, double epsilon, Matrix<T> dY, Matrix<T> dX, Matrix<T>? dWeight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowParallel.For(X.Rows, RowsAtOnce, (start, end) =>
        {
            Span<T> g = RowScratch<T>.Take(X.Columns);
            for (int t = start; t < end; t++)
            {
                Span<T> x = X.Row(t);
                T r = InverseRoot<T>(x, epsilon);
                TensorPrimitives.Multiply(weight.Data, dY.Row(t), g);

                // r·g − x·(r³·mean(g ⊙ x))
                T share = r * r * r * TensorPrimitives.Dot<T>(g, x) / T.CreateChecked(x.Length);
                TensorPrimitives.MultiplyAdd(g, r, dX.Row(t), dX.Row(t));
                TensorPrimitives.MultiplyAdd(x, -share, dX.Row(t), dX.Row(t));
            }
        });
        if (dWeight is null) return;
        ColumnSum.Add(X.Rows, dWeight, (t, sum) =>
        {
            Span<T> g = RowScratch<T>.Take(X.Columns);
            TensorPrimitives.Multiply(dY.Row(t), InverseRoot<T>(X.Row(t), epsilon), g);
            TensorPrimitives.MultiplyAdd(g, X.Row(t), sum, sum);
        });
    }

    private static T InverseRoot<T>(ReadOnlySpan<T> x, double epsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => T.One / T.Sqrt((TensorPrimitives.SumOfSquares(x) / T.CreateChecked(x.Length)) + T.CreateChecked(epsilon));
}
