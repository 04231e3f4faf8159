using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Quantization.PbLlm;
using Halfbit.Quantization.Steps;
using Halfbit.Statistics;

namespace Halfbit.Training;

/// <summary>What makes a weight salient when training starts.</summary>
internal enum SalienceRule
{
    /// <summary>|w|, as in the post-training method.</summary>
    Magnitude,

    /// <summary>w²/d_j² with d_j = U_jj, as in the post-training method; needs the factor of the layer's Hessian.</summary>
    Hessian,

    /// <summary>The released training program's: below the lower or above the upper quantile of the signed weights.</summary>
    TwoTails,
}

/// <summary>The salient weights of a layer, chosen once from its initial weights.</summary>
internal static class Salience
{
    /// <summary>Marks the salient weights of a layer; the whole layer is one population.</summary>
    /// <param name="W">[out, in], initial weights.</param>
    /// <param name="fraction">Share of salient weights, in [0, 1].</param>
    /// <param name="rule">What makes a weight salient.</param>
    /// <param name="factor">Damped Hessian factor; needed by the Hessian rule alone.</param>
    /// <exception cref="ArgumentException">The Hessian rule without a factor.</exception>
    public static BitMatrix Choose(Matrix W, double fraction, SalienceRule rule, HessianFactor? factor)
    {
        if (rule == SalienceRule.TwoTails) return TwoTails(W, fraction);
        if (rule == SalienceRule.Hessian && factor is null) throw new ArgumentException("salience by the Hessian needs the factor of the layer's Hessian", nameof(factor));
        var options = new PbLlmOptions
        {
            LowFraction = 1 - fraction,
            Salience = rule == SalienceRule.Hessian ? SalienceMetric.Hessian : SalienceMetric.Magnitude,
        };
        return SalientSet.Choose(DeadColumns.ClearedCopy(W, factor?.IsDead), factor, options);
    }

    /// <summary>Salient ⇔ w &lt; the ⌊N·f/2⌋-th smallest or w &gt; the ⌊N·(1 − f/2)⌋-th smallest weight, counted from 1. Departure: a tail without members is empty, where the program stops.</summary>
    private static BitMatrix TwoTails(Matrix W, double fraction)
    {
        float[] sorted = [.. W.Data];
        Array.Sort(sorted);
        var low = (int)(sorted.Length * (fraction / 2));
        var high = (int)(sorted.Length * (1 - (fraction / 2)));
        float lower = low == 0 ? float.NegativeInfinity : sorted[low - 1];
        float upper = high == 0 ? float.PositiveInfinity : sorted[high - 1];
        var isSalient = new BitMatrix(W.Rows, W.Columns);
        for (int i = 0; i < W.Rows; i++)
        {
            ReadOnlySpan<float> row = W.Row(i);
            for (int j = 0; j < row.Length; j++)
            {
                if (row[j] < lower || row[j] > upper) isSalient[i, j] = true;
            }
        }

        return isSalient;
    }
}
