namespace Halfbit.Quantization.Levels;

/// <summary>Symmetric positive definite systems of a few unknowns.</summary>
internal static class SmallSystem
{
    /// <summary>Solves A·x = b by Cholesky's factors; false when A is not positive definite.</summary>
    /// <param name="A">[n·n], the upper triangle is read; destroyed.</param>
    /// <param name="x">[n], b; on return x.</param>
    /// <param name="n">Unknowns.</param>
    public static bool TrySolve(Span<double> A, Span<double> x, int n)
    {
        for (int i = 0; i < n; i++)
        {
            double pivot = A[(i * n) + i];
            for (int k = 0; k < i; k++) pivot -= A[(k * n) + i] * A[(k * n) + i];
            if (!(pivot > 1e-9 * A[(i * n) + i])) return false;
            pivot = Math.Sqrt(pivot);
            A[(i * n) + i] = pivot;
            for (int j = i + 1; j < n; j++)
            {
                double sum = A[(i * n) + j];
                for (int k = 0; k < i; k++) sum -= A[(k * n) + i] * A[(k * n) + j];
                A[(i * n) + j] = sum / pivot;
            }
        }

        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++) x[i] -= A[(k * n) + i] * x[k];
            x[i] /= A[(i * n) + i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++) x[i] -= A[(i * n) + k] * x[k];
            x[i] /= A[(i * n) + i];
        }

        return true;
    }
}
