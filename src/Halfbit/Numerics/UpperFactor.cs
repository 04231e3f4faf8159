namespace Halfbit.Numerics;

/// <summary>The factor of an inverse that error feedback needs: upper triangular U with H⁻¹ = Uᵀ·U.</summary>
public static class UpperFactor
{
    /// <summary>Computes U from a symmetric positive definite H.</summary>
    /// <param name="H">[n, n], symmetric, damped; only the upper triangle is read.</param>
    /// <param name="U">[n, n], destination; zero below the diagonal. May be the same memory as <paramref name="H"/>.</param>
    /// <remarks>
    /// H = R·Rᵀ with R upper triangular (a Cholesky factorization that starts at the last column), then U = R⁻¹:
    /// U·H·Uᵀ = I, hence H⁻¹ = Uᵀ·U. Two thirds of n³ operations instead of four thirds by way of the inverse. Double precision inside.
    /// </remarks>
    /// <exception cref="NumericsException">H is not positive definite: the pivot is named.</exception>
    public static void OfInverse(MatrixView<float> H, MatrixView<float> U)
    {
        int n = H.Rows;
        var R = new double[n, n];
        for (int j = n - 1; j >= 0; j--)
        {
            double pivot = H[j, j];
            for (int k = j + 1; k < n; k++) pivot -= R[j, k] * R[j, k];
            if (!(pivot > 0)) throw new NumericsException($"H is not positive definite (pivot {j} = {pivot:g3} after damping)");
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
