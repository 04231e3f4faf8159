using Halfbit.Numerics;
using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.Levels;

/// <summary>
/// What an error r = w − q in one block costs when all later columns make up for it as well as they can: ‖r·U_bb⁻¹‖² = r·G·rᵀ, G = U_bb⁻¹·U_bb⁻ᵀ.
/// </summary>
/// <remarks>
/// (H + δI)⁻¹ = Uᵀ·U. Minimising the quadratic form of H over the columns after the block leaves the inverse of the block's part of the inverse: (U_bbᵀ·U_bb)⁻¹.
/// Dead columns cost nothing: their rows and columns of G are zero.
/// </remarks>
internal sealed class BlockMetric
{
    private BlockMetric(Matrix U)
    {
        this.U = U;
        G = new Matrix(U.Rows, U.Rows);
        Weight = new float[U.Rows];
    }

    /// <summary>The metric under error feedback.</summary>
    /// <param name="block">The block, with its part of U.</param>
    /// <param name="isDead">[n], dead columns of the whole matrix.</param>
    public static BlockMetric WithFeedback(ColumnBlock block, bool[] isDead)
    {
        var metric = new BlockMetric(block.U!);
        metric.FillFromFactor(isDead.AsSpan(block.Columns.Start, block.Columns.Count));
        return metric;
    }

    /// <summary>The metric of errors that nothing makes up for: each column by itself.</summary>
    /// <param name="weight">[w], cost of a squared error in each column, ≥ 0.</param>
    public static BlockMetric WithoutFeedback(double[] weight)
    {
        var metric = new BlockMetric(new Matrix(weight.Length, weight.Length));
        for (int j = 0; j < weight.Length; j++)
        {
            metric.Weight[j] = metric.G[j, j] = (float)weight[j];
            metric.U[j, j] = weight[j] > 0 ? (float)(1 / Math.Sqrt(weight[j])) : 1f;
        }

        return metric;
    }

    /// <summary>[w, w], upper triangular.</summary>
    public Matrix U { get; }

    /// <summary>[w, w], symmetric.</summary>
    public Matrix G { get; }

    /// <summary>[w], 1/U_jj²: the cost of an error of one in column j when every column after it, in the block too, makes up for it. 0 for dead columns.</summary>
    public float[] Weight { get; }

    private void FillFromFactor(ReadOnlySpan<bool> isDead)
    {
        int w = U.Rows;
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

        for (int j = 0; j < w; j++)
        {
            if (isDead[j])
            {
                G.Row(j).Clear();
                for (int k = 0; k < w; k++) G[k, j] = 0f;
                continue;
            }

            Weight[j] = 1f / (U[j, j] * U[j, j]);
        }
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
