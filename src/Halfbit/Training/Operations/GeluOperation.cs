using System.Numerics;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>y = x·Φ(x), Φ(x) = (1 + erf(x/√2))/2 (arXiv 1606.08415, exact form). Backward: dx = dy·(Φ(x) + x·φ(x)), φ(x) = e^(−x²/2)/√(2π).</summary>
internal static class GeluOperation
{
    /// <summary>Y ← gelu(X).</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="Y">[tokens, n].</param>
    public static void Forward<T>(Matrix<T> X, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => ElementwiseLoop.For(Y.Data.Length, (start, end) =>
        {
            for (int j = start; j < end; j++)
            {
                double x = double.CreateChecked(X.Data[j]);
                Y.Data[j] = T.CreateChecked(x * Share(x));
            }
        });

    /// <summary>dX ← the gradient of X.</summary>
    /// <param name="X">[tokens, n].</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dX">[tokens, n].</param>
    public static void Backward<T>(Matrix<T> X, Matrix<T> dY, Matrix<T> dX)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => ElementwiseLoop.For(dY.Data.Length, (start, end) =>
        {
            for (int j = start; j < end; j++)
            {
                double x = double.CreateChecked(X.Data[j]);
                dX.Data[j] = dY.Data[j] * T.CreateChecked(Share(x) + (x * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI)));
            }
        });

    /// <summary>Φ.</summary>
    private static double Share(double x) => 0.5 * (1 + Activations.ErrorFunction(x / Math.Sqrt(2)));
}
