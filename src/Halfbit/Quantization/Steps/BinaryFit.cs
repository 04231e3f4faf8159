using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.Steps;

/// <summary>The two levels μ ± α that stand for a set of weights; sums run in double precision, in ascending order of columns.</summary>
internal static class BinaryFit
{
    /// <summary>Steps after which <see cref="TwoLevels"/> ends at the latest.</summary>
    public const int MostSteps = 12;

    /// <summary>Weighted mean and mean absolute deviation of the chosen weights: μ = Σωw/Σω, α = Σω|w − μ|/Σω.</summary>
    /// <param name="w">[n], weights.</param>
    /// <param name="omega">[n], importance ω ≥ 0 of each weight, 0 for weights that do not take part.</param>
    /// <remarks>
    /// α is the least-squares scale for B = sign(w − μ) (the optimal scale of PB-LLM, arXiv 2310.00034, with weights). Both are zero when nothing takes part.
    /// </remarks>
    public static (float Mu, float Alpha) MeanAndDeviation(ReadOnlySpan<float> w, ReadOnlySpan<float> omega)
    {
        double sum = 0;
        double mass = 0;
        for (int j = 0; j < w.Length; j++)
        {
            sum += (double)omega[j] * w[j];
            mass += omega[j];
        }

        if (mass == 0) return (0f, 0f);
        double mu = sum / mass;
        double deviation = 0;
        for (int j = 0; j < w.Length; j++) deviation += omega[j] * Math.Abs(w[j] - mu);
        return ((float)mu, (float)(deviation / mass));
    }

    /// <summary>The levels μ ± α of least Σω(w − μ − αB)² that alternating steps from the mean reach.</summary>
    /// <param name="w">[n], weights.</param>
    /// <param name="omega">[n], importance ω ≥ 0 of each weight, 0 for weights that do not take part.</param>
    /// <remarks>
    /// For fixed signs B the best levels are the weighted means of the two halves; for fixed levels the best signs part the weights at their middle μ.
    /// Each step lowers the error or ends the search (Lloyd's algorithm with two centres). Starts with the mean, ends after at most <see cref="MostSteps"/> steps.
    /// </remarks>
    public static (float Mu, float Alpha) TwoLevels(ReadOnlySpan<float> w, ReadOnlySpan<float> omega)
    {
        (float start, float deviation) = MeanAndDeviation(w, omega);
        double mu = start;
        double alpha = deviation;
        for (int step = 0; step < MostSteps; step++)
        {
            double upperSum = 0;
            double upperMass = 0;
            double lowerSum = 0;
            double lowerMass = 0;
            for (int j = 0; j < w.Length; j++)
            {
                double weighted = (double)omega[j] * w[j];
                bool isUpper = w[j] >= mu;
                upperSum += isUpper ? weighted : 0;
                upperMass += isUpper ? omega[j] : 0;
                lowerSum += isUpper ? 0 : weighted;
                lowerMass += isUpper ? 0 : omega[j];
            }

            if (upperMass == 0 || lowerMass == 0) break;
            double upper = upperSum / upperMass;
            double lower = lowerSum / lowerMass;
            double middle = (upper + lower) / 2;
            alpha = (upper - lower) / 2;
            if (middle == mu) break;
            mu = middle;
        }

        return ((float)mu, (float)alpha);
    }

    /// <summary>α = Σω|w|/Σω, for levels ±α.</summary>
    public static float MeanMagnitude(ReadOnlySpan<float> w, ReadOnlySpan<float> omega)
    {
        double sum = 0;
        double mass = 0;
        for (int j = 0; j < w.Length; j++)
        {
            sum += omega[j] * Math.Abs((double)w[j]);
            mass += omega[j];
        }

        return mass == 0 ? 0f : (float)(sum / mass);
    }

    /// <summary>Fits every row and group: <paramref name="fit"/>(row i, columns of the group) gives (μ, α), which are rounded to the storage format.</summary>
    public static (float[] Mu, float[] Alpha) PerRowAndGroup(int rows, int columns, int groupSize, ScaleFormat format, Func<int, ColumnRange, (float Mu, float Alpha)> fit)
    {
        int groups = ColumnRange.CountOf(columns, groupSize);
        ColumnRange[] ranges = [.. ColumnRange.Split(columns, groupSize)];
        var mu = new float[rows * groups];
        var alpha = new float[rows * groups];
        RowParallel.For(rows, 16, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                for (int g = 0; g < groups; g++)
                {
                    (float m, float a) = fit(i, ranges[g]);
                    mu[(i * groups) + g] = format.Round(m);
                    alpha[(i * groups) + g] = format.Round(a);
                }
            }
        });
        return (mu, alpha);
    }
}
