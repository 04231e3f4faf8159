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
        RowParallel.For(group.Rows, ColumnSums.ChunkRows, (start, end) =>
        {
            Span<double> share = sums.Begin(start).Span;
            Span<double> product = new double[group.Stride]; // T ⊙ B
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> x = group.Row(i);
                ReadOnlySpan<float> b = signs.AsSpan(i * group.Stride, group.Stride);
                ReadOnlySpan<float> otherB = otherSigns.AsSpan(i * group.Stride, group.Stride);
                double otherAlpha = other.Alpha[i];
                double numerator = 0;
                double divisor = 0;
                for (int c = 0; c < x.Length; c++)
                {
                    product[c] = b[c] * (x[c] - (otherAlpha * other.Beta[c] * otherB[c]));
                    double weighted = omega[c] * plane.Beta[c];
                    numerator += weighted * product[c];
                    divisor += weighted * plane.Beta[c] * (b[c] * b[c]);
                }

                double alpha = rules.Quotient(numerator, divisor);
                plane.Alpha[i] = alpha;
                for (int c = 0; c < x.Length; c++)
                {
                    share[c] += alpha * product[c];
                    share[x.Length + c] += alpha * alpha * (b[c] * b[c]);
                }
            }
        });
        sums.Quotients(plane.Beta, rules.Tiny);
    }

    /// <summary>Signs of the nearest of −c₁−c₂, −c₁+c₂, c₁−c₂, c₁+c₂ with cₖ = αₖᵢ·βₖⱼ; the first of equals.</summary>
    private void NearestLevels() => RowParallel.For(group.Rows, ColumnSums.ChunkRows, (start, end) =>
    {
        for (int i = start; i < end; i++)
        {
            for (int c = 0; c < group.Columns.Length; c++)
            {
                int k = (i * group.Stride) + c;
                if (group.Mask[k] == 0) continue;
                double c1 = First.Alpha[i] * First.Beta[c];
                double c2 = Second.Alpha[i] * Second.Beta[c];
                double x = group.X[k];
                double best = Math.Abs(x + c1 + c2);
                (float b1, float b2) = (-1f, -1f);
                if (Math.Abs(x + c1 - c2) is double second && second < best) (best, b1, b2) = (second, -1f, 1f);
                if (Math.Abs(x - c1 + c2) is double third && third < best) (best, b1, b2) = (third, 1f, -1f);
                if (Math.Abs(x - c1 - c2) < best) (b1, b2) = (1f, 1f);
                FirstSigns[k] = b1;
                SecondSigns[k] = b2;
            }
        }
    });
}
