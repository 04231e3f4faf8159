using System.Runtime.Intrinsics;
using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>
/// Residual binarization of a row's group (BiLLM, arXiv 2402.04291) and its alternating refinement: mean, scales and signs in turn, each the best for the
/// others as they are (ARB-LLM, arXiv 2410.03129, sections 3.1 and 3.2 of its algorithm).
/// </summary>
/// <remarks>
/// Every step needs only a few sums over the group (Σωb, Σωbx, …), so that one pass over the weights per iteration gives new signs and all sums of the next one.
/// Sums run in double precision. An importance ω of 1 everywhere is the released form.
/// </remarks>
internal static class RowRefinement
{
    /// <summary>Keeps scales of empty planes finite, as in the released program.</summary>
    public const double Tiny = 1e-8;

    /// <summary>Residual binarization, the start of every refinement; the means of its planes add up to one.</summary>
    /// <param name="row">The group; its signs are written.</param>
    /// <param name="planes">1 or 2.</param>
    /// <param name="hasMean">Whether μ is fitted; else it is 0.</param>
    /// <param name="zero">The sign of zero.</param>
    public static RowLevels Binarize(RowGroup row, int planes, bool hasMean, OnThreshold zero)
    {
        Span<float> mu = stackalloc float[2];
        Span<float> alpha = stackalloc float[2];
        ResidualBinarization.Fit(row.Values.AsSpan(0, row.Count), row.Omega, hasMean, zero, mu[..planes], alpha[..planes], row.Signs, row.Residual);
        for (int k = 0; k < row.Count; k++) row.First[k] = row.Signs[k];
        for (int k = 0; k < (planes == 2 ? row.Count : 0); k++) row.Second[k] = row.Signs[row.Count + k];
        return new RowLevels((double)mu[0] + mu[1], alpha[0], alpha[1]);
    }

    /// <summary>Alternating refinement, from <see cref="Binarize"/> on.</summary>
    /// <param name="row">The group; its signs are written.</param>
    /// <param name="planes">1 or 2.</param>
    /// <param name="iterations">Rounds; 15 in the paper.</param>
    /// <param name="hasMean">Whether μ is fitted; else it is 0.</param>
    /// <param name="zero">The sign of zero.</param>
    public static RowLevels Refine(RowGroup row, int planes, int iterations, bool hasMean, OnThreshold zero)
    {
        RowLevels start = Binarize(row, planes, hasMean, zero);
        if (!(row.Mass > 0)) return start;
        return planes == 2 ? RefineTwo(row, start, iterations, hasMean) : RefineOne(row, start, iterations, hasMean, zero == OnThreshold.Middle ? 0 : 1);
    }

    private static RowLevels RefineOne(RowGroup row, RowLevels start, int iterations, bool hasMean, double zeroSign)
    {
        (double mu, double alpha, _) = start;
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            SignSums sums = iteration == 0 ? SignSums.Of(row) : FirstSigns(row, mu, zeroSign);
            if (hasMean) mu += (row.Sum - (row.Mass * mu) - (alpha * sums.B)) / row.Mass;
            alpha = (sums.BX - (mu * sums.B)) / (sums.BB + Tiny);
        }

        if (iterations > 0) FirstSigns(row, mu, zeroSign);
        return new RowLevels(mu, alpha, 0);
    }

    private static RowLevels RefineTwo(RowGroup row, RowLevels start, int iterations, bool hasMean)
    {
        (double mu, double alpha1, double alpha2) = start;
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            PlaneSums sums = PlaneSums.Of(row);
            if (hasMean) mu += (row.Sum - (row.Mass * mu) - (alpha1 * sums.B1) - (alpha2 * sums.B2)) / row.Mass;
            alpha1 = (sums.B1X - (mu * sums.B1) - (alpha2 * sums.B1B2)) / (sums.B1B1 + Tiny);
            alpha2 = (sums.B2X - (mu * sums.B2) - (alpha1 * sums.B1B2)) / (sums.B2B2 + Tiny);
            NearestLevels(row, new RowLevels(mu, alpha1, alpha2));
        }

        return new RowLevels(mu, alpha1, alpha2);
    }

    /// <summary>Signs of the nearest of −α₁−α₂, −α₁+α₂, α₁−α₂, α₁+α₂ to x − μ; the first of equals.</summary>
    public static void NearestLevels(RowGroup row, RowLevels levels)
    {
        Vector256<double> mu = Vector256.Create(levels.Mu);
        Vector256<double> plus = Vector256.Create(1.0);
        Vector256<double> low = Vector256.Create(-levels.Alpha - levels.SecondAlpha);
        Vector256<double> middleLow = Vector256.Create(-levels.Alpha + levels.SecondAlpha);
        Vector256<double> middleHigh = Vector256.Create(levels.Alpha - levels.SecondAlpha);
        Vector256<double> high = Vector256.Create(levels.Alpha + levels.SecondAlpha);
        for (int k = 0; k < row.Padded; k += FourLanes.Count)
        {
            Vector256<double> d = FourLanes.At(row.X, k) - mu;
            Vector256<double> best = Vector256.Abs(d - low);
            Vector256<double> first = -plus;
            Vector256<double> second = -plus;
            Take(d, middleLow, -plus, plus, ref best, ref first, ref second);
            Take(d, middleHigh, plus, -plus, ref best, ref first, ref second);
            Take(d, high, plus, plus, ref best, ref first, ref second);
            first.CopyTo(row.First, k);
            second.CopyTo(row.Second, k);
        }
    }

    private static void Take(
        Vector256<double> d, Vector256<double> level, Vector256<double> itsFirst, Vector256<double> itsSecond, ref Vector256<double> best, ref Vector256<double> first, ref Vector256<double> second)
    {
        Vector256<double> distance = Vector256.Abs(d - level);
        Vector256<double> isNearer = Vector256.LessThan(distance, best);
        best = Vector256.ConditionalSelect(isNearer, distance, best);
        first = Vector256.ConditionalSelect(isNearer, itsFirst, first);
        second = Vector256.ConditionalSelect(isNearer, itsSecond, second);
    }

    /// <summary>B = sign(x − μ), and the sums that the next scale and mean need.</summary>
    private static SignSums FirstSigns(RowGroup row, double mean, double signOfZero)
    {
        Vector256<double> mu = Vector256.Create(mean);
        Vector256<double> zeroSign = Vector256.Create(signOfZero);
        Vector256<double> plus = Vector256.Create(1.0);
        Vector256<double> sumB = Vector256<double>.Zero;
        Vector256<double> sumBX = Vector256<double>.Zero;
        Vector256<double> sumBB = Vector256<double>.Zero;
        for (int k = 0; k < row.Padded; k += FourLanes.Count)
        {
            Vector256<double> x = FourLanes.At(row.X, k);
            Vector256<double> d = x - mu;
            Vector256<double> b = Vector256.ConditionalSelect(
                Vector256.LessThan(d, Vector256<double>.Zero), -plus, Vector256.ConditionalSelect(Vector256.GreaterThan(d, Vector256<double>.Zero), plus, zeroSign));
            b.CopyTo(row.First, k);
            Vector256<double> weighted = FourLanes.At(row.Omega, k) * b;
            sumB += weighted;
            sumBX += weighted * x;
            sumBB += weighted * b;
        }

        return new SignSums(FourLanes.Total(sumB), FourLanes.Total(sumBX), FourLanes.Total(sumBB));
    }

    /// <summary>Σωb, Σωbx, Σωb².</summary>
    private readonly record struct SignSums(double B, double BX, double BB)
    {
        public static SignSums Of(RowGroup row)
        {
            Vector256<double> sumB = Vector256<double>.Zero;
            Vector256<double> sumBX = Vector256<double>.Zero;
            Vector256<double> sumBB = Vector256<double>.Zero;
            for (int k = 0; k < row.Padded; k += FourLanes.Count)
            {
                Vector256<double> b = FourLanes.At(row.First, k);
                Vector256<double> weighted = FourLanes.At(row.Omega, k) * b;
                sumB += weighted;
                sumBX += weighted * FourLanes.At(row.X, k);
                sumBB += weighted * b;
            }

            return new SignSums(FourLanes.Total(sumB), FourLanes.Total(sumBX), FourLanes.Total(sumBB));
        }
    }

    /// <summary>Σω over products of both signs and the weights.</summary>
    private readonly record struct PlaneSums(double B1, double B2, double B1X, double B2X, double B1B2, double B1B1, double B2B2)
    {
        public static PlaneSums Of(RowGroup row)
        {
            Vector256<double> sumB1 = Vector256<double>.Zero;
            Vector256<double> sumB2 = Vector256<double>.Zero;
            Vector256<double> sumB1X = Vector256<double>.Zero;
            Vector256<double> sumB2X = Vector256<double>.Zero;
            Vector256<double> sumB1B2 = Vector256<double>.Zero;
            Vector256<double> sumB1B1 = Vector256<double>.Zero;
            Vector256<double> sumB2B2 = Vector256<double>.Zero;
            for (int k = 0; k < row.Padded; k += FourLanes.Count)
            {
                Vector256<double> omega = FourLanes.At(row.Omega, k);
                Vector256<double> x = FourLanes.At(row.X, k);
                Vector256<double> b1 = FourLanes.At(row.First, k);
                Vector256<double> b2 = FourLanes.At(row.Second, k);
                Vector256<double> weighted1 = omega * b1;
                Vector256<double> weighted2 = omega * b2;
                sumB1 += weighted1;
                sumB2 += weighted2;
                sumB1X += weighted1 * x;
                sumB2X += weighted2 * x;
                sumB1B2 += weighted1 * b2;
                sumB1B1 += weighted1 * b1;
                sumB2B2 += weighted2 * b2;
            }

            return new PlaneSums(
                FourLanes.Total(sumB1), FourLanes.Total(sumB2), FourLanes.Total(sumB1X), FourLanes.Total(sumB2X), FourLanes.Total(sumB1B2), FourLanes.Total(sumB1B1), FourLanes.Total(sumB2B2));
        }
    }
}
