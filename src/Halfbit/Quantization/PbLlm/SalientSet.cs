using System.Numerics.Tensors;
using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Quantization.PbLlm;

/// <summary>The choice of salient weights: per column group, all rows together form one population.</summary>
internal static class SalientSet
{
    /// <summary>Marks the salient weights.</summary>
    /// <param name="W">[rows, n], dead columns zeroed.</param>
    /// <param name="factor">Needed by the Hessian metric.</param>
    /// <param name="options">Metric, low fraction and group size.</param>
    /// <remarks>
    /// A weight is low when its score is at most θ, the element with 0-based index ⌊m·f⌋ in the ascending order of the group's m scores,
    /// f the low fraction; so ⌊m·f⌋ + 1 weights are low, more with ties. f = 1 makes all weights low, f = 0 none (where the released program stops or skips the layer).
    /// With <see cref="PbLlmOptions.SalientColumns"/> whole columns are chosen by the sums of their scores.
    /// </remarks>
    public static BitMatrix Choose(Matrix W, HessianFactor? factor, PbLlmOptions options)
    {
        var isSalient = new BitMatrix(W.Rows, W.Columns);
        foreach (ColumnRange group in ColumnRange.Split(W.Columns, options.GroupSize))
        {
            float[] scores = Scores(W, group, options.Salience == SalienceMetric.Hessian ? factor : null);
            if (options.SalientColumns)
            {
                MarkColumns(isSalient, scores, group, options.LowFraction);
                continue;
            }

            long index = (long)(scores.LongLength * options.LowFraction);
            float threshold = options.LowFraction <= 0 ? -1f : index >= scores.LongLength ? float.PositiveInfinity : OrderStatistic.Select(scores, index);
            RowParallel.For(W.Rows, 64, (start, end) =>
            {
                for (int i = start; i < end; i++)
                {
                    ReadOnlySpan<float> row = scores.AsSpan(i * group.Count, group.Count);
                    for (int j = 0; j < row.Length; j++)
                    {
                        if (row[j] > threshold) isSalient[i, group.Start + j] = true;
                    }
                }
            });
        }

        return isSalient;
    }

    /// <summary>Marks the columns of greatest summed score, as many as make up the salient share of the group, rounded.</summary>
    private static void MarkColumns(BitMatrix isSalient, float[] scores, ColumnRange group, double lowFraction)
    {
        var sums = new double[group.Count];
        for (int k = 0; k < scores.Length; k++) sums[k % group.Count] += scores[k];
        int count = (int)Math.Round((1 - lowFraction) * group.Count, MidpointRounding.AwayFromZero);
        foreach (int j in Enumerable.Range(0, group.Count).OrderByDescending(j => sums[j]).Take(count))
        {
            for (int i = 0; i < isSalient.Rows; i++) isSalient[i, group.Start + j] = true;
        }
    }

    /// <summary>[rows, group]: w²/d² with a factor, |w| without.</summary>
    private static float[] Scores(Matrix W, ColumnRange group, HessianFactor? factor)
    {
        var scores = new float[W.Rows * group.Count];
        float[]? squares = factor is null ? null : [.. Enumerable.Range(group.Start, group.Count).Select(j => factor.U[j, j] * factor.U[j, j])];
        RowParallel.For(W.Rows, 64, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> w = W.Row(i)[group.Start..group.End];
                Span<float> row = scores.AsSpan(i * group.Count, group.Count);
                if (squares is null)
                {
                    TensorPrimitives.Abs(w, row);
                    continue;
                }

                TensorPrimitives.Multiply(w, w, row);
                TensorPrimitives.Divide(row, squares, row);
            }
        });
        return scores;
    }
}
