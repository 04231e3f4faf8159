using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.StbLlm;

/// <summary>Improves the levels μ ± α₀ (± α₁) of a group of one row: signs of the nearest level and least-squares levels for those signs, in turn.</summary>
/// <remarks>
/// Lloyd's algorithm with tied centres: each half step lowers Σω(w − ŵ)² or ends the search. The residual fit it starts from is greedy, and poor where a group holds
/// large values of both signs: its mean lies between them, and neither level meets its half.
/// </remarks>
internal static class LevelRefinement
{
    private const int MaximumSteps = 8;

    /// <summary>The refined levels, not rounded.</summary>
    /// <param name="x">[n], the group's cells.</param>
    /// <param name="omega">[n], weight of each, ≥ 0.</param>
    /// <param name="start">Levels to start from.</param>
    /// <param name="hasMean">Whether the mean is free; if not, it stays 0.</param>
    public static SignLevels Refine(ReadOnlySpan<float> x, ReadOnlySpan<double> omega, SignLevels start, bool hasMean)
    {
        SignLevels levels = start;
        SignLevels best = start;
        double least = double.PositiveInfinity;
        for (int step = 0; step < MaximumSteps; step++)
        {
            var sums = default(Sums);
            double error = 0;
            for (int k = 0; k < x.Length; k++)
            {
                (int first, int second) = levels.Nearest(x[k]);
                sums.Add(omega[k], x[k], first, second);
                double e = x[k] - levels.Value(first, second);
                error += omega[k] * e * e;
            }

            if (!(error < least)) break;
            (best, least) = (levels, error);
            if (sums.Solve(hasMean, levels.Planes == 2) is not (double mu, double alpha0, double alpha1)) break;
            levels = levels with { Mu = (float)mu, First = (float)Math.Abs(alpha0), Second = (float)Math.Abs(alpha1) };
        }

        return best;
    }

    /// <summary>The sums of the normal equations.</summary>
    private struct Sums
    {
        private double mass;
        private double first;
        private double second;
        private double both;
        private double x;
        private double xFirst;
        private double xSecond;

        public void Add(double omega, double value, int sign0, int sign1)
        {
            mass += omega;
            first += omega * sign0;
            second += omega * sign1;
            both += omega * sign0 * sign1;
            x += omega * value;
            xFirst += omega * value * sign0;
            xSecond += omega * value * sign1;
        }

        /// <summary>μ, α₀, α₁ of least squares for the given signs; null when the signs do not determine them.</summary>
        public readonly (double Mu, double First, double Second)? Solve(bool hasMean, bool hasSecond)
        {
            const double Least = 1e-9;
            if (!(mass > 0)) return null;
            (double a, double b, double c) = (first / mass, second / mass, both / mass);
            (double p, double q, double r) = (x / mass, xFirst / mass, xSecond / mass);
            if (!hasMean) (a, b, p) = (0, 0, 0);

            // With the mean eliminated: (co)variances of the signs, and their covariances with the values.
            double v0 = 1 - (a * a);
            double k0 = q - (a * p);
            if (!hasSecond) return v0 > Least ? (p - (a * k0 / v0), k0 / v0, 0) : null;
            double v1 = 1 - (b * b);
            double v01 = c - (a * b);
            double k1 = r - (b * p);
            double determinant = (v0 * v1) - (v01 * v01);
            if (!(determinant > Least)) return null;
            double alpha0 = ((k0 * v1) - (k1 * v01)) / determinant;
            double alpha1 = ((k1 * v0) - (k0 * v01)) / determinant;
            return (p - (a * alpha0) - (b * alpha1), alpha0, alpha1);
        }
    }
}
