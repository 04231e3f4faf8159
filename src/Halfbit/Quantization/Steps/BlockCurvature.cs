using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>What an error inside a block costs once the columns after the block make up for it: e·A·eᵀ with A = U_bb⁻¹·U_bb⁻ᵀ, where H⁻¹ = Uᵀ·U.</summary>
/// <remarks>A is the Schur complement of the columns after the block in the damped Hessian, divided by its largest diagonal element. Dead columns cost nothing.</remarks>
internal sealed class BlockCurvature
{
    private BlockCurvature(Matrix u, Matrix a)
    {
        U = u;
        A = a;
    }

    /// <summary>[w, w], upper triangular, as given.</summary>
    public Matrix U { get; }

    /// <summary>[w, w], symmetric.</summary>
    public Matrix A { get; }

    /// <summary>Columns w.</summary>
    public int Width => U.Columns;

    /// <summary>The curvature of a block.</summary>
    /// <param name="U">[w, w], upper triangular part of the block.</param>
    /// <param name="isDead">[w], columns whose weights do not matter; null: none.</param>
    public static BlockCurvature Of(Matrix U, bool[]? isDead)
    {
        int w = U.Columns;
        double[] inverse = Inverse(U);
        var a = new double[w * w];
        double largest = 0;
        for (int i = 0; i < w; i++)
        {
            for (int j = i; j < w; j++)
            {
                double sum = 0;
                for (int k = j; k < w; k++) sum += inverse[(i * w) + k] * inverse[(j * w) + k];
                a[(i * w) + j] = a[(j * w) + i] = isDead is not null && (isDead[i] || isDead[j]) ? 0 : sum;
            }

            largest = Math.Max(largest, a[(i * w) + i]);
        }

        var A = new Matrix(w, w);
        for (int k = 0; k < a.Length; k++) A.Data[k] = largest > 0 ? (float)(a[k] / largest) : 0f;
        return new BlockCurvature(U, A);
    }

    /// <summary>[w · w], the inverse of an upper triangular matrix: upper triangular too.</summary>
    private static double[] Inverse(Matrix U)
    {
        int w = U.Columns;
        var inverse = new double[w * w];
        for (int i = w - 1; i >= 0; i--)
        {
            Span<double> row = inverse.AsSpan(i * w, w);
            row[i] = 1;
            for (int k = i + 1; k < w; k++)
            {
                double u = U[i, k];
                for (int j = k; j < w; j++) row[j] -= u * inverse[(k * w) + j];
            }

            for (int j = i; j < w; j++) row[j] /= U[i, i];
        }

        return inverse;
    }
}
