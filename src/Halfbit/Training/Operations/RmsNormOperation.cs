using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>RMSNorm (arXiv 1910.07467) of each row: y = w ⊙ x·r with r = 1/√(mean(x²) + ε).</summary>
internal static class RmsNormOperation
{
    /// <summary>y ← w ⊙ x·r.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="weight">w, [1, n].</param>
    /// <param name="epsilon">ε, added to the mean square.</param>
    /// <param name="Y">[tokens, n], destination; may be <paramref name="X"/>.</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T> weight, double epsilon, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(weight, 1, X.Columns);
        ShapeCheck.Same(Y, X);
        SteadyLoop.For(X.Rows, Grain.Of(X.Columns), (X, weight, epsilon, Y), static (s, start, end) =>
        {
            for (int t = start; t < end; t++)
            {
                Span<T> y = s.Y.Row(t);
                TensorPrimitives.Multiply(s.X.Row(t), ScaleOf<T>(s.X.Row(t), s.epsilon), y);
                TensorPrimitives.Multiply(y, s.weight.Row(0), y);
            }
        });
    }

    /// <summary>With g = w ⊙ dy:  dx ← (dx +) r·g − x·r³·Σ(g ⊙ x)/n;  dw ← dw + Σₜ dy ⊙ x·r.</summary>
    /// <param name="X">[tokens, n], as in the forward pass.</param>
    /// <param name="weight">w, [1, n].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dX">[tokens, n]; where it is replaced, it may be <paramref name="dY"/>.</param>
    /// <param name="dWeight">[1, n], added to; null where it is not wanted.</param>
    /// <param name="accumulateDX">Whether to add to dX (the gradient of the residual stream) instead of replacing it.</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T> weight, double epsilon, Matrix<T> dY, Matrix<T> dX, Matrix<T>? dWeight, bool accumulateDX = true)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(weight, 1, X.Columns);
        ShapeCheck.Same(dY, X);
        ShapeCheck.Same(dX, X);
        ShapeCheck.Same(dWeight ?? weight, weight);
        var partials = new TokenChunks<T>(X.Rows, dWeight is null ? 0 : X.Columns);
        SteadyLoop.For(X.Rows, TokenChunks<T>.Size, (X, weight, epsilon, dY, dX, partials, accumulateDX), static (s, start, end) =>
        {
            Span<T> dw = s.partials.Of(start);
            for (int t = start; t < end; t++) Backward<T>(s.X.Row(t), s.weight.Row(0), s.epsilon, s.dY.Row(t), s.dX.Row(t), dw, s.accumulateDX);
        });
        if (dWeight is not null) partials.AddTo(dWeight.Row(0));
    }

    /// <summary>One row; an empty <paramref name="dw"/> is not wanted.</summary>
    private static void Backward<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> w, double epsilon, ReadOnlySpan<T> dy, Span<T> dx, Span<T> dw, bool accumulate)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T r = ScaleOf(x, epsilon);
        Span<T> g = OperationScratch<T>.First(x.Length);
        if (!dw.IsEmpty)
        {
            TensorPrimitives.Multiply(x, r, g);
            TensorPrimitives.MultiplyAdd(g, dy, dw, dw);
        }

        TensorPrimitives.Multiply(w, dy, g);
        T pull = -(r * r * RowSum.OfProducts(g, x) / T.CreateChecked(x.Length));
        TensorPrimitives.MultiplyAdd(x, pull, g, g);
        if (accumulate)
            TensorPrimitives.MultiplyAdd(g, r, dx, dx);
        else
            TensorPrimitives.Multiply(g, r, dx);
    }

    /// <summary>r = 1/√(mean(x²) + ε).</summary>
    private static T ScaleOf<T>(ReadOnlySpan<T> x, double epsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => T.One / T.Sqrt((RowSum.OfProducts(x, x) / T.CreateChecked(x.Length)) + T.CreateChecked(epsilon));
}
