using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>ARB-RC with 1 plane (arXiv 2410.03129): Ŵᵢⱼ = αᵢ·βⱼ·Bᵢⱼ without a mean, row and column scales in turn. B = sign(W) stays, which is best for scales above zero.</summary>
/// <remarks>
/// One pass over the rows per round: a row's α follows from all β, then the row adds its share to the sums of every β.
/// The importance ω of a column weighs in α only: it cancels in the column's own β.
/// </remarks>
internal static class RowColumnRefinement
{
    /// <summary>Fits the scales of one group.</summary>
    /// <param name="group">The weights of the group.</param>
    /// <param name="omega">[stride], importance of the group's columns.</param>
    /// <param name="rules">Rounds and guards.</param>
    public static ScalePair Fit(MaskedColumns group, double[] omega, RowColumnRules rules)
    {
        ScalePair scales = Start(group, group.X, rules);
        var sums = new ColumnSums(group.Rows, group.Stride);
        float[] magnitude = Array.ConvertAll(group.X, MathF.Abs);
        float[] squaredSign = rules.ZeroSign == 0 ? Array.ConvertAll(group.X, x => x == 0 ? 0f : 1f) : group.Mask;
        var weighted = new double[group.Stride];
        var weightedSquare = new double[group.Stride];
        for (int iteration = 0; iteration < rules.Iterations; iteration++)
        {
            for (int c = 0; c < weighted.Length; c++)
            {
                weighted[c] = omega[c] * scales.Beta[c];
                weightedSquare[c] = weighted[c] * scales.Beta[c];
            }

            RowParallel.For(group.Rows, ColumnSums.ChunkRows, (start, end) =>
            {
                Span<double> share = sums.Begin(start).Span;
                for (int i = start; i < end; i++)
                {
                    ReadOnlySpan<float> x = magnitude.AsSpan(i * group.Stride, group.Stride);
                    ReadOnlySpan<float> bb = squaredSign.AsSpan(i * group.Stride, group.Stride);
                    scales.Alpha[i] = rules.Quotient(Dot(x, weighted), Dot(bb, weightedSquare));
                    AddShare(scales.Alpha[i], x, bb, share);
                }
            });
            sums.Quotients(scales.Beta, rules.Tiny);
        }

        return scales;
    }

    /// <summary>α = row means of |x|, β = column means of |x/α| over the rows with α ≠ 0.</summary>
    /// <param name="group">The mask.</param>
    /// <param name="x">[rows, stride], values; 0 outside the group.</param>
    /// <param name="rules">Guards.</param>
    public static ScalePair Start(MaskedColumns group, float[] x, RowColumnRules rules)
    {
        var scales = new ScalePair(group.Rows, group.Stride);
        var sums = new ColumnSums(group.Rows, group.Stride);
        RowParallel.For(group.Rows, ColumnSums.ChunkRows, (start, end) =>
        {
            Span<double> share = sums.Begin(start).Span;
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> values = x.AsSpan(i * group.Stride, group.Stride);
                ReadOnlySpan<float> mask = group.MaskRow(i);
                double sum = 0;
                double count = 0;
                for (int c = 0; c < values.Length; c++)
                {
                    sum += Math.Abs(values[c]);
                    count += mask[c];
                }

                double alpha = count > 0 ? sum / count : 0;
                scales.Alpha[i] = alpha;
                if (alpha == 0) continue;
                for (int c = 0; c < values.Length; c++)
                {
                    share[c] += Math.Abs(values[c]) / alpha;
                    share[group.Stride + c] += mask[c];
                }
            }
        });
        sums.Quotients(scales.Beta, 0);
        return scales;
    }

    private static double Dot(ReadOnlySpan<float> x, double[] y)
    {
        Vector256<double> sum = Vector256<double>.Zero;
        for (int c = 0; c < x.Length; c += FourLanes.Count) sum += FourLanes.At(x, c) * FourLanes.At(y, c);
        return FourLanes.Total(sum);
    }

    /// <summary>Numerators += α·|x|, divisors += α²·b².</summary>
    private static void AddShare(double alpha, ReadOnlySpan<float> x, ReadOnlySpan<float> bb, Span<double> share)
    {
        Span<double> numerators = share[..x.Length];
        Span<double> divisors = share[x.Length..];
        Vector256<double> scale = Vector256.Create(alpha);
        Vector256<double> square = Vector256.Create(alpha * alpha);
        for (int c = 0; c < x.Length; c += FourLanes.Count)
        {
            (FourLanes.At(numerators, c) + (scale * FourLanes.At(x, c))).CopyTo(numerators[c..]);
            (FourLanes.At(divisors, c) + (square * FourLanes.At(bb, c))).CopyTo(divisors[c..]);
        }
    }
}
