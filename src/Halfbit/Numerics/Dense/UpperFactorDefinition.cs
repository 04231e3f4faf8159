using System.Globalization;

namespace Halfbit.Numerics;

/// <summary>What <see cref="UpperFactor"/> computes, column by column in plain double precision: what the fast form is tested against.</summary>
internal static class UpperFactorDefinition
{
    /// <inheritdoc cref="UpperFactor.OfInverse(MatrixView{float}, MatrixView{float})"/>
    public static void OfInverse(MatrixView<float> H, MatrixView<float> U)
    {
        int n = H.Rows;
        var R = new double[n, n];
        for (int j = n - 1; j >= 0; j--)
        {
            double pivot = H[j, j];
            for (int k = j + 1; k < n; k++) pivot -= R[j, k] * R[j, k];
            if (!(pivot > 0 && double.IsFinite(pivot)))
                throw new NumericsException(string.Create(CultureInfo.InvariantCulture, $"H is not positive definite (pivot {j} = {pivot:g3} after damping)"));
            R[j, j] = Math.Sqrt(pivot);
            for (int i = 0; i < j; i++)
            {
                double sum = H[i, j];
                for (int k = j + 1; k < n; k++) sum -= R[i, k] * R[j, k];
                R[i, j] = sum / R[j, j];
            }
        }

        var column = new double[n];
        for (int j = 0; j < n; j++)
        {
            for (int i = j; i >= 0; i--)
            {
                double sum = i == j ? 1 : 0;
                for (int k = i + 1; k <= j; k++) sum -= R[i, k] * column[k];
                column[i] = sum / R[i, i];
            }

            for (int i = 0; i < n; i++) U[i, j] = i <= j ? (float)column[i] : 0f;
        }
    }
}
