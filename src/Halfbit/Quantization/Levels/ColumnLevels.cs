using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.Levels;

/// <summary>What row scales are multiplied with, column by column of a block: column scales, fixed before the rows are fitted and shared by all of them.</summary>
internal sealed class ColumnLevels
{
    /// <summary>The two magnitudes of least squared error for a Gaussian of unit power, over the one magnitude of a single sign.</summary>
    private const float InnerLevel = 0.4528f / 0.7979f;
    private const float OuterLevel = 1.510f / 0.7979f;

    private readonly float[] first;
    private readonly float[] second;

    /// <summary>The coefficients of a block.</summary>
    /// <param name="W">[rows, w], current weights.</param>
    /// <param name="shape">Which columns have scales.</param>
    /// <param name="metric">The block's metric.</param>
    /// <param name="isSalient">[w].</param>
    /// <param name="format">How column scales are stored.</param>
    public ColumnLevels(MatrixView<float> W, LevelShape shape, BlockMetric metric, bool[] isSalient, ScaleFormat format)
    {
        int w = W.Columns;
        (Beta, SecondBeta, first, second) = (new float[w], new float[w], new float[w], new float[w]);
        float[] power = shape.HasColumnScales || shape.SharesScale ? RelativePower(W, metric, isSalient) : [];
        for (int j = 0; j < w; j++)
        {
            bool isTwofold = shape.SharesScale && isSalient[j];
            float scale = isTwofold || shape.HasColumnScales ? Math.Clamp(power[j], 1e-3f, 1e3f) : 1f;
            Beta[j] = format.Round(isTwofold ? scale * (OuterLevel + InnerLevel) / 2 : scale);
            SecondBeta[j] = isTwofold ? format.Round(scale * (OuterLevel - InnerLevel) / 2) : Beta[j];
            first[j] = isTwofold ? Beta[j] - SecondBeta[j] : Beta[j];
            second[j] = isTwofold ? Beta[j] + SecondBeta[j] : Beta[j];
        }
    }

    /// <summary>[w], scales of the first sign plane.</summary>
    public float[] Beta { get; }

    /// <summary>[w], scales of the second sign plane, where there is one.</summary>
    public float[] SecondBeta { get; }

    /// <summary>The factor of magnitude <paramref name="l"/> in column <paramref name="j"/>.</summary>
    public float this[int l, int j] => l == 0 ? first[j] : second[j];

    /// <summary>Root mean squares of the columns, all rows alike, over the geometric mean of those that are not salient.</summary>
    private static float[] RelativePower(MatrixView<float> W, BlockMetric metric, bool[] isSalient)
    {
        var power = new double[W.Columns];
        for (int i = 0; i < W.Rows; i++)
        {
            ReadOnlySpan<float> row = W.Row(i);
            double total = 0;
            for (int j = 0; j < row.Length; j++) total += isSalient[j] ? 0 : (double)row[j] * row[j];
            if (total == 0) continue;
            for (int j = 0; j < row.Length; j++) power[j] += (double)row[j] * row[j] / total;
        }

        double sum = 0;
        int count = 0;
        for (int j = 0; j < power.Length; j++)
        {
            if (isSalient[j] || !(power[j] > 0) || metric.Weight[j] == 0) continue;
            sum += Math.Log(power[j]);
            count++;
        }

        double middle = count == 0 ? 0 : sum / count;
        return Array.ConvertAll(power, p => p > 0 ? (float)Math.Exp(0.5 * (Math.Log(p) - middle)) : 1f);
    }
}
