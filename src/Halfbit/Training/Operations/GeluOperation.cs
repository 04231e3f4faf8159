using System.Numerics;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>y = x·Φ(x), element by element, with the exact normal distribution (arXiv 1606.08415).</summary>
internal static class GeluOperation
{
    private const int ElementCost = 16;             // of one element, in those of an addition

    /// <summary>y ← x·Φ(x).</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="Y">[tokens, n], destination; may be <paramref name="X"/>.</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Same(Y, X);
        SteadyLoop.For(X.Rows, Grain.Of(ElementCost * X.Columns), (X, Y), static (s, start, end) =>
        {
            for (int t = start; t < end; t++)
            {
                ReadOnlySpan<T> row = s.X.Row(t);
                Span<T> y = s.Y.Row(t);
                for (int j = 0; j < row.Length; j++)
                {
                    double x = double.CreateChecked(row[j]);
                    y[j] = T.CreateChecked(x * NormalDistribution.At(x).Cumulative);
                }
            }
        });
    }

    /// <summary>dx ← dy·(Φ(x) + x·φ(x)).</summary>
    /// <param name="X">[tokens, n], as in the forward pass.</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dX">[tokens, n], destination; may be <paramref name="dY"/> or <paramref name="X"/>.</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T> dY, Matrix<T> dX)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Same(dY, X);
        ShapeCheck.Same(dX, X);
        SteadyLoop.For(X.Rows, Grain.Of(ElementCost * X.Columns), (X, dY, dX), static (s, start, end) =>
        {
            for (int t = start; t < end; t++)
            {
                ReadOnlySpan<T> row = s.X.Row(t);
                ReadOnlySpan<T> dy = s.dY.Row(t);
                Span<T> dx = s.dX.Row(t);
                for (int j = 0; j < row.Length; j++)
                {
                    double x = double.CreateChecked(row[j]);
                    (double cumulative, double density) = NormalDistribution.At(x);
                    dx[j] = dy[j] * T.CreateChecked(cumulative + (x * density));
                }
            }
        });
    }
}
