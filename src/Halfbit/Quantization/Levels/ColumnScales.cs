using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.Levels;

/// <summary>Column scales of a block: fixed before its rows are fitted, shared by all of them.</summary>
internal static class ColumnScales
{
    /// <summary>Largest column scale, and the inverse of the smallest: columns beyond it are quantized as if they were so.</summary>
    public const float Largest = 64f;

    /// <summary>Root mean squares of the columns, rows of any size counted alike, over their geometric mean.</summary>
    /// <param name="W">[rows, w], current weights.</param>
    /// <param name="metric">The block's metric; dead columns get 1.</param>
    /// <param name="format">How they are stored.</param>
    /// <returns>[w], within [1/64, 64].</returns>
    public static float[] Of(MatrixView<float> W, BlockMetric metric, ScaleFormat format)
    {
        var power = new double[W.Columns];
        for (int i = 0; i < W.Rows; i++)
        {
            ReadOnlySpan<float> row = W.Row(i);
            double total = 0;
            foreach (float w in row) total += (double)w * w;
            if (total == 0) continue;
            for (int j = 0; j < row.Length; j++) power[j] += (double)row[j] * row[j] / total;
        }

        double sum = 0;
        int count = 0;
        for (int j = 0; j < power.Length; j++)
        {
            if (!(power[j] > 0) || metric.Weight[j] == 0) continue;
            sum += Math.Log(power[j]);
            count++;
        }

        double middle = count == 0 ? 0 : sum / count;
        var scales = new float[power.Length];
        for (int j = 0; j < scales.Length; j++)
            scales[j] = power[j] > 0 && metric.Weight[j] > 0 ? format.Round((float)Math.Clamp(Math.Exp(0.5 * (Math.Log(power[j]) - middle)), 1 / Largest, Largest)) : 1f;
        return scales;
    }
}
