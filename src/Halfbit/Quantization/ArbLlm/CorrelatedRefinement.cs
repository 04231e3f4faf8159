using System.Runtime.Intrinsics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>
/// ARB-X (arXiv 2410.03129, section 3.3): with signs frozen, the mean and the scales of a row's group in turn take the values of least (w − ŵ)·S·(w − ŵ)ᵀ,
/// restricted to the group's own columns, as if all other weights were exact.
/// </summary>
/// <remarks>
/// With m the group's mask, every step is a ratio of mᵀSm, mᵀSB, BᵀSB, mᵀSW, BᵀSW. These are found once; the rounds then cost nothing.
/// The released program guards the quotients by a tiny constant alone; we leave a level as it is where its divisor, a sum of entries of both signs, nearly cancels.
/// The scratch memory belongs to one thread.
/// </remarks>
/// <param name="S">[w, padded w], symmetric.</param>
/// <param name="width">Columns w.</param>
/// <param name="isReleased">Whether quotients are guarded as in the released program.</param>
internal sealed class CorrelatedRefinement(double[] S, int width, bool isReleased)
{
    private const double Tiny = 1e-10;

    /// <summary>Least divisor, as a share of the group's part of the diagonal of S.</summary>
    private const double LeastShare = 1e-3;

    private readonly double[] maskImage = new double[FourLanes.Padded(width)];
    private readonly double[] firstImage = new double[FourLanes.Padded(width)];
    private readonly double[] secondImage = new double[FourLanes.Padded(width)];

    /// <summary>Refines levels whose signs are settled.</summary>
    /// <param name="row">Weights and signs of the group.</param>
    /// <param name="levels">Where to start.</param>
    /// <param name="planes">1 or 2.</param>
    /// <param name="iterations">Rounds.</param>
    /// <param name="hasMean">Whether μ is fitted; else it is 0.</param>
    public RowLevels Refine(RowGroup row, RowLevels levels, int planes, int iterations, bool hasMean)
    {
        if (row.Count == 0) return levels;
        Images(row, planes);
        double trace = 0;
        double mm = 0;
        double mx = 0;
        double b1m = 0;
        double b1x = 0;
        double b11 = 0;
        double b2m = 0;
        double b2x = 0;
        double b12 = 0;
        double b22 = 0;
        for (int k = 0; k < row.Count; k++)
        {
            int j = row.Columns[k];
            double x = row.X[k];
            trace += S[(j * FourLanes.Padded(width)) + j];
            mm += maskImage[j];
            mx += maskImage[j] * x;
            b1m += firstImage[j];
            b1x += firstImage[j] * x;
            b11 += firstImage[j] * row.First[k];
            if (planes == 1) continue;
            b2m += secondImage[j];
            b2x += secondImage[j] * x;
            b12 += secondImage[j] * row.First[k];
            b22 += secondImage[j] * row.Second[k];
        }

        (double mu, double alpha1, double alpha2) = levels;
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            if (hasMean) mu = Quotient(mx - (alpha1 * b1m) - (alpha2 * b2m), mm, trace, mu);
            alpha1 = Quotient(b1x - (mu * b1m) - (alpha2 * b12), b11, trace, alpha1);
            if (planes == 2) alpha2 = Quotient(b2x - (mu * b2m) - (alpha1 * b12), b22, trace, alpha2);
        }

        return new RowLevels(mu, alpha1, alpha2);
    }

    private double Quotient(double numerator, double divisor, double trace, double before)
        => isReleased ? numerator / (divisor + Tiny) : divisor > LeastShare * trace ? numerator / divisor : before;

    /// <summary>S·m, S·B₁ and S·B₂.</summary>
    private void Images(RowGroup row, int planes)
    {
        int padded = FourLanes.Padded(width);
        Array.Clear(maskImage);
        Array.Clear(firstImage);
        Array.Clear(secondImage);
        for (int k = 0; k < row.Count; k++)
        {
            int start = row.Columns[k] * padded;
            Vector256<double> b1 = Vector256.Create(row.First[k]);
            Vector256<double> b2 = Vector256.Create(row.Second[k]);
            for (int j = 0; j < padded; j += FourLanes.Count)
            {
                Vector256<double> s = FourLanes.At(S, start + j);
                (FourLanes.At(maskImage, j) + s).CopyTo(maskImage, j);
                (FourLanes.At(firstImage, j) + (b1 * s)).CopyTo(firstImage, j);
                if (planes == 2) (FourLanes.At(secondImage, j) + (b2 * s)).CopyTo(secondImage, j);
            }
        }
    }
}
