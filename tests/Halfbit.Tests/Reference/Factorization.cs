using Halfbit.Numerics;

namespace Halfbit.Tests.Reference;

/// <summary>U of GPTQ by the definition of its program: H with dead columns fixed and damped, its inverse, the upper Cholesky factor of that; in double precision.</summary>
internal static class Factorization
{
    public static double[,] UpperOfInverse(Matrix H, double damping)
    {
        int n = H.Rows;
        var A = new double[n, n];
        double trace = 0;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++) A[i, j] = H[i, j];
            if (A[i, i] == 0) A[i, i] = 1;
            trace += A[i, i];
        }

        for (int i = 0; i < n; i++) A[i, i] += damping * trace / n;
        return UpperCholesky(Inverse(A));
    }

    /// <summary>A⁻¹ by Gauss-Jordan elimination with pivoting.</summary>
    public static double[,] Inverse(double[,] A)
    {
        int n = A.GetLength(0);
        var work = (double[,])A.Clone();
        var inverse = new double[n, n];
        for (int i = 0; i < n; i++) inverse[i, i] = 1;
        for (int c = 0; c < n; c++)
        {
            int pivot = Enumerable.Range(c, n - c).MaxBy(r => Math.Abs(work[r, c]));
            for (int k = 0; k < n; k++)
            {
                (work[c, k], work[pivot, k]) = (work[pivot, k], work[c, k]);
                (inverse[c, k], inverse[pivot, k]) = (inverse[pivot, k], inverse[c, k]);
            }

            double scale = 1 / work[c, c];
            for (int k = 0; k < n; k++)
            {
                work[c, k] *= scale;
                inverse[c, k] *= scale;
            }

            for (int r = 0; r < n; r++)
            {
                double factor = r == c ? 0 : work[r, c];
                if (factor == 0) continue;
                for (int k = 0; k < n; k++)
                {
                    work[r, k] -= factor * work[c, k];
                    inverse[r, k] -= factor * inverse[c, k];
                }
            }
        }

        return inverse;
    }

    /// <summary>U upper triangular with A = Uᵀ·U.</summary>
    public static double[,] UpperCholesky(double[,] A)
    {
        int n = A.GetLength(0);
        var U = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = i; j < n; j++)
            {
                double sum = A[i, j];
                for (int k = 0; k < i; k++) sum -= U[k, i] * U[k, j];
                U[i, j] = i == j ? Math.Sqrt(sum) : sum / U[i, i];
            }
        }

        return U;
    }
}
