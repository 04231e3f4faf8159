using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>The norm of all gradients together, and clipping by it (Pascanu et al., arXiv 1211.5063).</summary>
internal static class GradientNorm
{
    /// <summary>Added to the norm before the division, as PyTorch does.</summary>
    private const double Guard = 1e-6;

    /// <summary>√Σg² over all trained parameters; summed in double precision, in fixed chunks that are added in order.</summary>
    /// <param name="parameters">All parameters.</param>
    /// <returns>The norm; not finite when a gradient is not.</returns>
    public static double Of<T>(IReadOnlyList<Parameter<T>> parameters)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ParameterChunk[] chunks = ParameterChunk.Of(parameters);
        var squares = new double[chunks.Length];
        RowParallel.For(chunks.Length, 1, (start, end) =>
        {
            for (int k = start; k < end; k++)
            {
                Matrix<T> gradient = parameters[chunks[k].Parameter].Gradient;
                squares[k] = SumOfSquares<T>(gradient.View.RowRange(chunks[k].FirstRow, chunks[k].Rows).Data);
            }
        });

        double sum = 0;
        foreach (double square in squares) sum += square;
        return Math.Sqrt(sum);
    }

    /// <summary>The factor on all gradients that brings their norm down to <paramref name="maximum"/>: min(1, maximum/(norm + 10⁻⁶)).</summary>
    /// <param name="norm">The norm of all gradients, ≥ 0.</param>
    /// <param name="maximum">Largest norm, &gt; 0; null: no clipping.</param>
    public static double ClippingFactor(double norm, double? maximum) => maximum is double limit ? Math.Min(1, limit / (norm + Guard)) : 1;

    /// <summary>Throws when the norm is not finite, naming the first parameter with a gradient that is not.</summary>
    /// <param name="norm">The norm of all gradients.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="step">Update, counted from 0, for the message.</param>
    /// <exception cref="NumericsException">The norm is not finite.</exception>
    public static void Check<T>(double norm, IReadOnlyList<Parameter<T>> parameters, long step)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (double.IsFinite(norm)) return;
        string where = parameters.FirstOrDefault(p => p.IsTrained && !p.Gradient.Data.All(T.IsFinite))?.Name is string name ? $"the gradient of '{name}'" : "the norm of all gradients";
        throw new NumericsException($"{where} is not finite at step {step}; use a lower learning rate or a longer warm-up");
    }

    /// <summary>Four sums side by side, added at the end: the order is fixed, and the additions need not wait for each other.</summary>
    private static double SumOfSquares<T>(ReadOnlySpan<T> g)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        int j = 0;
        for (; j + 4 <= g.Length; j += 4)
        {
            double a = double.CreateTruncating(g[j]), b = double.CreateTruncating(g[j + 1]), c = double.CreateTruncating(g[j + 2]), d = double.CreateTruncating(g[j + 3]);
            s0 += a * a;
            s1 += b * b;
            s2 += c * c;
            s3 += d * d;
        }

        for (; j < g.Length; j++)
        {
            double a = double.CreateTruncating(g[j]);
            s0 += a * a;
        }

        return (s0 + s1) + (s2 + s3);
    }
}
