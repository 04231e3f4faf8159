using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>y = max(x, 0), element by element.</summary>
internal static class ReluOperation
{
    /// <summary>y ← max(x, 0).</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="Y">[tokens, n], destination; may be <paramref name="X"/>.</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Same(Y, X);
        SteadyLoop.For(X.Rows, Grain.Of(X.Columns), (X, Y), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) TensorPrimitives.Max(s.X.Row(t), T.Zero, s.Y.Row(t));
        });
    }

    /// <summary>dx ← dy where x &gt; 0, else 0 (so also at 0, where there is no derivative).</summary>
    /// <param name="X">[tokens, n]: x, or y of the forward pass, which has the same signs.</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dX">[tokens, n], destination; may be <paramref name="dY"/> or <paramref name="X"/>.</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T> dY, Matrix<T> dX)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Same(dY, X);
        ShapeCheck.Same(dX, X);
        SteadyLoop.For(X.Rows, Grain.Of(X.Columns), (X, dY, dX), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) Backward<T>(s.X.Row(t), s.dY.Row(t), s.dX.Row(t));
        });
    }

    private static void Backward<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> dy, Span<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int j = 0;
        for (; j <= x.Length - Vector<T>.Count; j += Vector<T>.Count)
            Vector.ConditionalSelect(Vector.GreaterThan(new Vector<T>(x[j..]), Vector<T>.Zero), new Vector<T>(dy[j..]), Vector<T>.Zero).CopyTo(dx[j..]);
        for (; j < x.Length; j++) dx[j] = x[j] > T.Zero ? dy[j] : T.Zero;
    }
}
