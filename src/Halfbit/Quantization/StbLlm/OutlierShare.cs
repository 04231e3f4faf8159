using Halfbit.Numerics;

namespace Halfbit.Quantization.StbLlm;

/// <summary>How much of a decoder block's importance lies in few weights: the share of its weights whose relative importance is more than six times the block's mean.</summary>
/// <remarks>OWL's outlier ratio over the concatenated scores of all linear layers of the block, as the released program has it (Hyper_m = 6).</remarks>
internal static class OutlierShare
{
    /// <summary>An outlier's score, in means of the block.</summary>
    private const double Threshold = 6;

    /// <summary>The share, 0 to 1.</summary>
    /// <param name="layers">Gives the scores of one layer after the other; asked twice, so that only one layer's scores need to be in memory.</param>
    public static double Of(Func<IEnumerable<Matrix>> layers)
    {
        double sum = 0;
        long count = 0;
        foreach (Matrix scores in layers())
        {
            sum += Sum(scores, s => s);
            count += scores.Data.LongLength;
        }

        var limit = (float)(Threshold * (sum / count));
        double outliers = layers().Sum(scores => Sum(scores, s => s > limit ? 1 : 0));
        return outliers / count;
    }

    private static double Sum(Matrix scores, Func<float, double> term)
    {
        var ofRow = new double[scores.Rows];
        RowParallel.For(scores.Rows, 16, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                foreach (float s in scores.Row(i)) ofRow[i] += term(s);
            }
        });
        return ofRow.Sum();
    }
}
