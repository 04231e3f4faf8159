using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>LayerNorm (arXiv 1607.06450) of each row: y = w ⊙ x̂ + b with x̂ = (x − mean(x))·r and r = 1/√(var(x) + ε).</summary>
internal static class LayerNormOperation
{
    /// <summary>y ← w ⊙ x̂ + b.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="weight">w, [1, n], or null for 1.</param>
    /// <param name="bias">b, [1, n], or null for 0.</param>
    /// <param name="epsilon">ε, added to the variance.</param>
    /// <param name="Y">[tokens, n], destination; may be <paramref name="X"/>.</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T>? weight, Matrix<T>? bias, double epsilon, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(weight, 1, X.Columns);
        ShapeCheck.Is(bias, 1, X.Columns);
        ShapeCheck.Same(Y, X);
        SteadyLoop.For(X.Rows, Grain.Of(X.Columns), (X, weight, bias, epsilon, Y), static (s, start, end) =>
        {
            for (int t = start; t < end; t++)
            {
                Span<T> y = s.Y.Row(t);
                Normalize(s.X.Row(t), s.epsilon, y);
                if (s.weight is not null) TensorPrimitives.Multiply(y, s.weight.Row(0), y);
                if (s.bias is not null) TensorPrimitives.Add(y, s.bias.Row(0), y);
            }
        });
    }

    /// <summary>With g = w ⊙ dy:  dx ← (dx +) r·(g − mean(g) − x̂·mean(g ⊙ x̂));  dw ← dw + Σₜ dy ⊙ x̂;  db ← db + Σₜ dy.</summary>
    /// <param name="X">[tokens, n], as in the forward pass.</param>
    /// <param name="weight">w, [1, n], or null for 1.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dX">[tokens, n]; where it is replaced, it may be <paramref name="dY"/>.</param>
    /// <param name="dWeight">[1, n], added to; null where it is not wanted.</param>
    /// <param name="dBias">[1, n], added to; null where it is not wanted.</param>
    /// <param name="accumulateDX">Whether to add to dX (the gradient of the residual stream) instead of replacing it.</param>
    public static void Backward<T>(
        Matrix<T> X, Matrix<T>? weight, double epsilon, Matrix<T> dY, Matrix<T> dX, Matrix<T>? dWeight, Matrix<T>? dBias, bool accumulateDX = true)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(weight, 1, X.Columns);
        ShapeCheck.Same(dY, X);
        ShapeCheck.Same(dX, X);
        ShapeCheck.Is(dWeight, 1, X.Columns);
        ShapeCheck.Is(dBias, 1, X.Columns);
        int n = X.Columns;
        var partials = new TokenChunks<T>(X.Rows, 2 * n);
        SteadyLoop.For(X.Rows, TokenChunks<T>.Size, (X, weight, epsilon, dY, dX, partials, accumulateDX), static (s, start, end) =>
        {
            Span<T> sums = s.partials.Of(start);
            for (int t = start; t < end; t++)
                Backward(s.X.Row(t), s.weight is null ? default : s.weight.Row(0), s.epsilon, s.dY.Row(t), s.dX.Row(t), sums, s.accumulateDX);
        });
        if (dWeight is not null) partials.AddTo(dWeight.Row(0));
        if (dBias is not null) partials.AddTo(dBias.Row(0), from: n);
    }

    /// <summary>One row.</summary>
    /// <param name="x">[n].</param>
    /// <param name="w">[n], or empty for 1.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="dy">[n].</param>
    /// <param name="dx">[n].</param>
    /// <param name="sums">[2n], added to: dw, then db.</param>
    /// <param name="accumulate">Whether to add to dx.</param>
    private static void Backward<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> w, double epsilon, ReadOnlySpan<T> dy, Span<T> dx, Span<T> sums, bool accumulate)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int n = x.Length;
        Span<T> normalized = OperationScratch<T>.First(n);
        T r = Normalize(x, epsilon, normalized);
        Span<T> dw = sums[..n];
        Span<T> db = sums[n..];
        TensorPrimitives.MultiplyAdd(normalized, dy, dw, dw);
        TensorPrimitives.Add(db, dy, db);

        Span<T> g = OperationScratch<T>.Second(n);
        if (w.IsEmpty)
            dy.CopyTo(g);
        else
            TensorPrimitives.Multiply(w, dy, g);
        T mean = RowSum.Of<T>(g) / T.CreateChecked(n);
        T pull = -(RowSum.OfProducts<T>(g, normalized) / T.CreateChecked(n));
        TensorPrimitives.Subtract(g, mean, g);
        TensorPrimitives.MultiplyAdd(normalized, pull, g, g);
        if (accumulate)
            TensorPrimitives.MultiplyAdd(g, r, dx, dx);
        else
            TensorPrimitives.Multiply(g, r, dx);
    }

    /// <summary>normalized ← (x − mean(x))·r.</summary>
    /// <returns>r = 1/√(var(x) + ε).</returns>
    private static T Normalize<T>(ReadOnlySpan<T> x, double epsilon, Span<T> normalized)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T n = T.CreateChecked(x.Length);
        TensorPrimitives.Subtract(x, RowSum.Of(x) / n, normalized);
        T r = T.One / T.Sqrt((RowSum.OfProducts<T>(normalized, normalized) / n) + T.CreateChecked(epsilon));
        TensorPrimitives.Multiply(normalized, r, normalized);
        return r;
    }
}
