using Halfbit.Numerics;
using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.Levels;

/// <summary>
/// What an error r = w − q in one block costs when all later columns make up for it as well as they can: ‖r·U_bb⁻¹‖² = r·G·rᵀ, G = U_bb⁻¹·U_bb⁻ᵀ.
/// </summary>
/// <remarks>
/// (H + δI)⁻¹ = Uᵀ·U. Minimising the quadratic form of H over the columns after the block leaves the inverse of the block's part of the inverse: (U_bbᵀ·U_bb)⁻¹.
/// Dead columns cost nothing: their rows and columns of G are zero. Without statistics G is the identity.
/// </remarks>
internal sealed class BlockMetric
{
    /// <summary>The metric of a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="isDead">[n], dead columns of the whole matrix; null: none.</param>
    public BlockMetric(ColumnBlock block, bool[]? isDead)
    {
        int w = block.Columns.Count;
        U = block.U ?? Identity(w);
        G = new Matrix(w, w);
        double[] inverse = InverseOf(U);
        for (int j = 0; j < w; j++)
        {
            for (int k = j; k < w; k++)
            {
                // Row j of U⁻¹ starts at column j.
                double sum = 0;
                for (int t = k; t < w; t++) sum += inverse[(j * w) + t] * inverse[(k * w) + t];
                G[j, k] = (float)sum;
                G[k, j] = (float)sum;
            }
        }

        Weight = new float[w];
        for (int j = 0; j < w; j++)
        {
            if (isDead is not null && isDead[block.Columns.Start + j])
            {
                G.Row(j).Clear();
                for (int k = 0; k < w; k++) G[k, j] = 0f;
                continue;
            }

            Weight[j] = 1f / (U[j, j] * U[j, j]);
        }
    }

    /// <summary>[w, w], upper triangular.</summary>
    public Matrix U { get; }

    /// <summary>[w, w], symmetric.</summary>
    public Matrix G { get; }

    /// <summary>[w], 1/U_jj²: the cost of an error of one in column j when every column after it, in the block too, makes up for it. 0 for dead columns.</summary>
    public float[] Weight { get; }

    private static Matrix Identity(int n)
    {
        var identity = new Matrix(n, n);
        for (int j = 0; j < n; j++) identity[j, j] = 1f;
        return identity;
    }

    /// <summary>[w·w], U⁻¹, upper triangular, row by row.</summary>
    private static double[] InverseOf(Matrix U)
    {
        int w = U.Rows;
        var inverse = new double[w * w];
        for (int j = w - 1; j >= 0; j--)
        {
            // Row j: (e_j − Σ_{t>j} U_jt·row t) / U_jj
            Span<double> row = inverse.AsSpan(j * w, w);
            row[j] = 1;
            for (int t = j + 1; t < w; t++)
            {
                double u = U[j, t];
                if (u == 0) continue;
                ReadOnlySpan<double> other = inverse.AsSpan(t * w, w);
                for (int k = t; k < w; k++) row[k] -= u * other[k];
            }

            for (int k = j; k < w; k++) row[k] /= U[j, j];
        }

        return inverse;
    }
}
