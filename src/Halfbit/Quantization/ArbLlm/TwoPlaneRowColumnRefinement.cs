using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>ARB-RC with 2 planes (arXiv 2410.03129): Ŵᵢⱼ = α₁ᵢ·β₁ⱼ·B₁ᵢⱼ + α₂ᵢ·β₂ⱼ·B₂ᵢⱼ; the scales of one plane are fitted to what the other leaves, then every weight takes the nearest of its four levels.</summary>
/// <remarks>Starts from the first guess for W, then the first guess for what that leaves. Two passes over the rows per round.</remarks>
internal sealed class TwoPlaneRowColumnRefinement
{
    private readonly MaskedColumns group;
    private readonly double[] omega;
    private readonly RowColumnRules rules;
    private readonly ColumnSums sums;

    private TwoPlaneRowColumnRefinement(MaskedColumns group, double[] omega, RowColumnRules rules)
    {
        this.group = group;
        this.omega = omega;
        this.rules = rules;
        sums = new ColumnSums(group.Rows, group.Stride);
        FirstSigns = Array.ConvertAll(group.X, rules.Sign);
        First = RowColumnRefinement.Start(group, group.X, rules);
        float[] residual = Residual();
        Second = RowColumnRefinement.Start(group, residual, rules);
        SecondSigns = Array.ConvertAll(residual, rules.Sign);
        for (int k = 0; k < residual.Length; k++)
        {
            FirstSigns[k] *= group.Mask[k];
            SecondSigns[k] *= group.Mask[k];
        }
    }

    /// <summary>Scales of the first signs.</summary>
    public ScalePair First { get; }

    /// <summary>Scales of the second signs.</summary>
    public ScalePair Second { get; }

    /// <summary>[rows, stride], B₁; 0 outside the group.</summary>
    public float[] FirstSigns { get; }

    /// <summary>[rows, stride], B₂; 0 outside the group.</summary>
    public float[] SecondSigns { get; }

    /// <summary>Fits the scales and signs of one group.</summary>
    /// <param name="group">The weights of the group.</param>
    /// <param name="omega">[stride], importance of the group's columns.</param>
    /// <param name="rules">Rounds and guards.</param>
    public static TwoPlaneRowColumnRefinement Fit(MaskedColumns group, double[] omega, RowColumnRules rules)
    {
        var fit = new TwoPlaneRowColumnRefinement(group, omega, rules);
        for (int iteration = 0; iteration < rules.Iterations; iteration++)
        {
            fit.Refit(fit.First, fit.FirstSigns, fit.Second, fit.SecondSigns);
            fit.Refit(fit.Second, fit.SecondSigns, fit.First, fit.FirstSigns);
            fit.NearestLevels();
        }

        return fit;
    }

    private float[] Residual()
    {
        float[] residual = new float[group.X.Length];
        for (int i = 0; i < group.Rows; i++)
        {
            for (int c = 0; c < group.Columns.Length; c++)
            {
                int k = (i * group.Stride) + c;
                residual[k] = group.Mask[k] == 0 ? 0f : (float)(group.X[k] - (First.Alpha[i] * First.Beta[c] * FirstSigns[k]));
            }
        }

        return residual;
    }

    /// <summary>The scales of one plane, α then β, fitted to T = W − (the other plane).</summary>
    private void Refit(ScalePair plane, float[] signs, ScalePair other, float[] otherSigns)
    {
        var weighted = new double[group.Stride];
        var weightedSquare = new double[group.Stride];
        for (int c = 0; c < weighted.Length; c++)
        {
            weighted[c] = omega[c] * plane.Beta[c];
            weightedSquare[c] = weighted[c] * plane.Beta[c];
        }

        RowParallel.For(group.Rows, ColumnSums.ChunkRows, (start, end) =>
        {
            Span<double> share = sums.Begin(start).Span;
            Span<double> numerators = share[..group.Stride];
            Span<double> divisors = share[group.Stride..];
            Span<double> product = new double[group.Stride]; // T ⊙ B
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> b = signs.AsSpan(i * group.Stride, group.Stride);
                Vector256<double> numerator = Vector256<double>.Zero;
                Vector256<double> divisor = Vector256<double>.Zero;
                Vector256<double> otherAlpha = Vector256.Create(other.Alpha[i]);
                for (int c = 0; c < b.Length; c += FourLanes.Count)
                {
                    Vector256<double> sign = FourLanes.At(b, c);
                    Vector256<double> otherPlane = otherAlpha * FourLanes.At(other.Beta, c) * FourLanes.At(otherSigns.AsSpan(i * group.Stride, group.Stride), c);
                    Vector256<double> p = sign * (FourLanes.At(group.Row(i), c) - otherPlane);
                    p.CopyTo(product[c..]);
                    numerator += FourLanes.At(weighted, c) * p;
                    divisor += FourLanes.At(weightedSquare, c) * (sign * sign);
                }

                plane.Alpha[i] = rules.Quotient(FourLanes.Total(numerator), FourLanes.Total(divisor));
                Vector256<double> alpha = Vector256.Create(plane.Alpha[i]);
                for (int c = 0; c < b.Length; c += FourLanes.Count)
                {
                    Vector256<double> sign = FourLanes.At(b, c);
                    (FourLanes.At(numerators, c) + (alpha * FourLanes.At(product, c))).CopyTo(numerators[c..]);
                    (FourLanes.At(divisors, c) + (alpha * alpha * (sign * sign))).CopyTo(divisors[c..]);
                }
            }
        });
        sums.Quotients(plane.Beta, rules.Tiny);
    }

    /// <summary>Signs of the nearest of −c₁−c₂, −c₁+c₂, c₁−c₂, c₁+c₂ with cₖ = αₖᵢ·βₖⱼ; the first of equals.</summary>
    private void NearestLevels() => RowParallel.For(group.Rows, ColumnSums.ChunkRows, (start, end) =>
    {
        Vector256<double> plus = Vector256.Create(1.0);
        for (int i = start; i < end; i++)
        {
            Vector256<double> alpha1 = Vector256.Create(First.Alpha[i]);
            Vector256<double> alpha2 = Vector256.Create(Second.Alpha[i]);
            for (int c = 0; c < group.Stride; c += FourLanes.Count)
            {
                Vector256<double> c1 = alpha1 * FourLanes.At(First.Beta, c);
                Vector256<double> c2 = alpha2 * FourLanes.At(Second.Beta, c);
                Vector256<double> x = FourLanes.At(group.Row(i), c);
                Vector256<double> best = Vector256.Abs(x + c1 + c2);
                Vector256<double> b1 = -plus;
                Vector256<double> b2 = -plus;
                Take(Vector256.Abs(x + c1 - c2), -plus, plus, ref best, ref b1, ref b2);
                Take(Vector256.Abs(x - c1 + c2), plus, -plus, ref best, ref b1, ref b2);
                Take(Vector256.Abs(x - c1 - c2), plus, plus, ref best, ref b1, ref b2);
                Vector256<double> mask = FourLanes.At(group.MaskRow(i), c);
                Narrow(b1 * mask).CopyTo(FirstSigns, (i * group.Stride) + c);
                Narrow(b2 * mask).CopyTo(SecondSigns, (i * group.Stride) + c);
            }
        }
    });

    private static void Take(
        Vector256<double> distance, Vector256<double> itsFirst, Vector256<double> itsSecond, ref Vector256<double> best, ref Vector256<double> first, ref Vector256<double> second)
    {
        Vector256<double> isNearer = Vector256.LessThan(distance, best);
        best = Vector256.ConditionalSelect(isNearer, distance, best);
        first = Vector256.ConditionalSelect(isNearer, itsFirst, first);
        second = Vector256.ConditionalSelect(isNearer, itsSecond, second);
    }

    private static Vector128<float> Narrow(Vector256<double> lanes) => Vector128.Narrow(lanes.GetLower(), lanes.GetUpper());
}
