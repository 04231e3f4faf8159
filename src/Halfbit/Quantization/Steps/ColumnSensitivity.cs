using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Quantization.Steps;

/// <summary>How much the error of each column of a block counts: the weights ω of searches and fits.</summary>
/// <remarks>
/// Without compensation, independent errors cost H_jj each. A block whose error is carried over as a whole costs tr(D·G·Dᵀ) with G = U_bb⁻¹·U_bb⁻ᵀ, the Hessian of the block
/// once all later columns make up for it: G_jj each. When columns inside the block make up for it too, 1/d_j² with d_j = U_jj. ω is that cost to a power:
/// with 1, a few strong columns own the levels and the errors of the others, which are correlated, add up; with 0, all columns count alike;
/// ½ gave the lowest weighted errors on our reference layers (docs of the method).
/// </remarks>
internal static class ColumnSensitivity
{
    /// <summary>The power that serves most layers.</summary>
    public const double UsualPower = 0.5;

    /// <summary>ω of a block's columns; dead ones 0; all 1 without statistics.</summary>
    /// <param name="block">The block.</param>
    /// <param name="statistics">The layer's statistics; null: none.</param>
    /// <param name="factor">Their factor; null: none.</param>
    /// <param name="feedback">How the error is carried over; null: not at all.</param>
    /// <param name="power">Power of the cost.</param>
    public static double[] Of(ColumnBlock block, LayerStatistics? statistics, HessianFactor? factor, BlockFeedback? feedback, double power)
    {
        double[] omega = SearchMatrix.Ones(block.Columns.Count);
        if (statistics is null || factor is null) return omega;
        if (power != 0)
        {
            if (feedback is null) OfInputs(block.Columns, statistics.Hessian, omega);
            else if (feedback == BlockFeedback.Columns) OfColumns(block.U!, omega);
            else OfBlock(block.U!, omega);
        }

        double largest = 0;
        for (int j = 0; j < omega.Length; j++)
        {
            omega[j] = factor.IsDead[block.Columns.Start + j] ? 0 : Math.Pow(omega[j], power);
            largest = Math.Max(largest, omega[j]);
        }

        for (int j = 0; j < omega.Length && largest > 0; j++) omega[j] /= largest;
        return omega;
    }

    private static void OfInputs(ColumnRange columns, Matrix H, double[] omega)
    {
        for (int j = 0; j < omega.Length; j++) omega[j] = H[columns.Start + j, columns.Start + j];
    }

    private static void OfColumns(Matrix U, double[] omega)
    {
        for (int j = 0; j < omega.Length; j++) omega[j] = 1 / ((double)U[j, j] * U[j, j]);
    }

    /// <summary>G_jj: squared norms of the rows of V = U⁻¹, each row by substitution v·U = e_j.</summary>
    private static void OfBlock(Matrix U, double[] omega) => RowParallel.For(omega.Length, 16, (start, end) =>
    {
        var v = new float[omega.Length];
        for (int j = start; j < end; j++)
        {
            v.AsSpan().Clear();
            v[j] = 1;
            double norm = 0;
            for (int k = j; k < v.Length; k++)
            {
                v[k] /= U[k, k];
                norm += (double)v[k] * v[k];
                SubtractScaled(v[k], U.Row(k)[(k + 1)..], v.AsSpan(k + 1));
            }

            omega[j] = norm;
        }
    });

    /// <summary>w ← w − e·u, each element one fused multiply-add.</summary>
    private static void SubtractScaled(float e, ReadOnlySpan<float> u, Span<float> w)
    {
        int k = 0;
        var minusE = new Vector<float>(-e);
        for (; k <= w.Length - Vector<float>.Count; k += Vector<float>.Count)
            Vector.FusedMultiplyAdd(minusE, new Vector<float>(u[k..]), new Vector<float>(w[k..])).CopyTo(w[k..]);
        for (; k < w.Length; k++) w[k] = MathF.FusedMultiplyAdd(-e, u[k], w[k]);
    }
}
