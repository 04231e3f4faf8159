using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Quantization.StbLlm;

/// <summary>How much each weight of a layer matters, for the choice of the weights that an N:M pattern keeps.</summary>
/// <remarks>
/// The relative magnitude r_ij = |w_ij| / Σ_k |w_kj| + |w_ij| / Σ_k |w_ik| compares a weight with its column and with its row.
/// <see cref="ImportanceScore.Relative"/> is r·√‖x_j‖, what the released program computes (it standardizes rows afterwards, which no choice along a row can see);
/// <see cref="ImportanceScore.Standardized"/> is z(r)·‖x_j‖ with z = (r − mean)/deviation over the layer, the paper's formula (arXiv 2408.01803): standardized before the
/// norm, so that a weight below the average sinks the lower the stronger its input is.
/// Departure from the program: a row or column of zeros has r = 0 where the program divides 0 by 0.
/// </remarks>
internal static class Importance
{
    private const int Grain = 16;

    /// <summary>[rows, n], the scores.</summary>
    /// <param name="W">[rows, n], original weights.</param>
    /// <param name="featureSquaredNorm">[n], Σ x² of each input feature in any unit; null: all 1.</param>
    /// <param name="score">Which score.</param>
    public static Matrix Of(Matrix W, float[]? featureSquaredNorm, ImportanceScore score)
    {
        if (score == ImportanceScore.Magnitude) return Map(W, (w, _, _) => MathF.Abs(w));
        Matrix relative = RelativeMagnitude(W);
        if (score == ImportanceScore.Relative)
        {
            float[] root = Factor(W.Columns, featureSquaredNorm, a => MathF.Sqrt(MathF.Sqrt(a)));
            return Map(relative, (r, _, j) => r * root[j]);
        }

        float[] norm = Factor(W.Columns, featureSquaredNorm, MathF.Sqrt);
        (double mean, double deviation) = MeanAndDeviation(relative);
        return Map(relative, (r, _, j) => deviation > 0 ? (float)((r - mean) / deviation) * norm[j] : 0f);
    }

    /// <summary>Mean of all elements and square root of their mean squared distance from it.</summary>
    private static (double Mean, double Deviation) MeanAndDeviation(Matrix values)
    {
        long count = values.Data.LongLength;
        double mean = SumOfRows(values, v => v) / count;
        double squares = SumOfRows(values, v => (v - mean) * (v - mean));
        return (mean, Math.Sqrt(squares / count));
    }

    /// <summary>[rows, n], |w|/d_j: the root of what leaving the weight out costs when later columns make up for it; |w| without a factor.</summary>
    public static Matrix CostOfLeavingOut(Matrix W, HessianFactor? factor) => Map(W, (w, _, j) => MathF.Abs(w) / (factor is null ? 1f : factor.U[j, j]));

    private static Matrix RelativeMagnitude(Matrix W)
    {
        var ofRow = new float[W.Rows];
        RowParallel.For(W.Rows, Grain, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                double sum = 0;
                foreach (float w in W.Row(i)) sum += Math.Abs((double)w);
                ofRow[i] = (float)sum;
            }
        });
        float[] ofColumn = ColumnSums(W);
        return Map(W, (w, i, j) => Share(w, ofColumn[j]) + Share(w, ofRow[i]));
    }

    private static float Share(float w, float sum) => sum > 0 ? MathF.Abs(w) / sum : 0f;

    private static float[] ColumnSums(Matrix W)
    {
        var sums = new float[W.Columns];
        RowParallel.For(W.Columns, 64, (start, end) =>
        {
            var sum = new double[end - start];
            for (int i = 0; i < W.Rows; i++)
            {
                ReadOnlySpan<float> w = W.Row(i)[start..end];
                for (int j = 0; j < w.Length; j++) sum[j] += Math.Abs((double)w[j]);
            }

            for (int j = 0; j < sum.Length; j++) sums[start + j] = (float)sum[j];
        });
        return sums;
    }

    private static float[] Factor(int columns, float[]? featureSquaredNorm, Func<float, float> of)
    {
        if (featureSquaredNorm is not null && featureSquaredNorm.Length != columns)
            throw new ArgumentException($"{featureSquaredNorm.Length} feature norms for {columns} columns", nameof(featureSquaredNorm));
        return featureSquaredNorm is null ? [.. Enumerable.Repeat(1f, columns)] : Array.ConvertAll(featureSquaredNorm, a => of(a));
    }

    private static double SumOfRows(Matrix values, Func<double, double> term)
    {
        var ofRow = new double[values.Rows];
        RowParallel.For(values.Rows, Grain, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                double sum = 0;
                foreach (float v in values.Row(i)) sum += term(v);
                ofRow[i] = sum;
            }
        });
        return ofRow.Sum();
    }

    private static Matrix Map(Matrix source, Func<float, int, int, float> of)
    {
        var result = new Matrix(source.Rows, source.Columns);
        RowParallel.For(source.Rows, Grain, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> from = source.Row(i);
                Span<float> to = result.Row(i);
                for (int j = 0; j < from.Length; j++) to[j] = of(from[j], i, j);
            }
        });
        return result;
    }
}
