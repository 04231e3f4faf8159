using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>How many of M weights each decoder block keeps: more where few weights carry much of the importance.</summary>
internal static class AdaptiveKeep
{
    /// <summary>Kept weights of 8 between the block with the highest and the one with the lowest outlier share (Lamda of the released scripts).</summary>
    private const double Spread = 2;

    /// <summary>
    /// Our rule. With ρ the outlier share scaled to [0, 1] over the blocks, block ℓ is to keep N + ¼M·(ρ_ℓ − mean ρ), within [1, M]; the fractions are given out by largest remainder,
    /// so that the average over all weights is N again: exactly when blocks are of equal size, else the nearest below it.
    /// </summary>
    /// <param name="shares">[blocks], outlier shares in any unit.</param>
    /// <param name="weights">[blocks], number of weights.</param>
    /// <param name="target">N and M to keep on average.</param>
    /// <param name="fallback">Receives why no block deviates, or null.</param>
    public static int[] Balanced(double[] shares, long[] weights, NOfM target, out string? fallback)
    {
        double[]? scaled = Scaled(shares, out fallback);
        if (scaled is null) return [.. shares.Select(_ => target.N)];
        double mean = scaled.Zip(weights, (s, w) => s * w).Sum() / weights.Sum();
        double[] wanted = Shifted([.. scaled.Select(s => target.N + (Spread * target.M / 8 * (s - mean)))], weights, target);
        var kept = Array.ConvertAll(wanted, w => (int)Math.Floor(w + 1e-9));
        decimal left = ((decimal)target.N * weights.Sum()) - kept.Zip(weights, (n, w) => (decimal)n * w).Sum();
        foreach (int block in Enumerable.Range(0, kept.Length).OrderByDescending(b => wanted[b] - kept[b]))
        {
            if (weights[block] > left || kept[block] == target.M) continue;
            kept[block]++;
            left -= weights[block];
        }

        return kept;
    }

    /// <summary>
    /// The released program's rule, in pruned weights: d = 2·ρ − mean, rounded half to even, +1 made +2; block ℓ prunes M − N − d_ℓ. Nothing restores the average.
    /// </summary>
    /// <param name="shares">[blocks], outlier shares in any unit.</param>
    /// <param name="target">N and M.</param>
    /// <param name="fallback">Receives why no block deviates, or where the program would stop; else null.</param>
    /// <param name="spread">Lamda; 2 in the released scripts.</param>
    public static int[] Released(double[] shares, NOfM target, out string? fallback, double spread = Spread)
    {
        double[]? scaled = Scaled(shares, out fallback);
        if (scaled is null) return [.. shares.Select(_ => target.N)];
        double mean = spread * scaled.Average();
        var kept = Array.ConvertAll(scaled, s =>
        {
            var d = (int)Math.Round((spread * s) - mean);
            return target.N + (d == 1 ? 2 : d);
        });
        if (kept.Any(n => n < 1 || n > target.M)) fallback = $"adaptive: {target} leaves no room to deviate in some blocks; they keep 1 to {target.M} weights of {target.M}";
        return Array.ConvertAll(kept, n => Math.Clamp(n, 1, target.M));
    }

    /// <summary>Shares scaled to [0, 1]; null when they are all equal (where the program divides 0 by 0).</summary>
    private static double[]? Scaled(double[] shares, out string? fallback)
    {
        double lowest = shares.Min();
        double range = shares.Max() - lowest;
        fallback = range > 0 ? null : "adaptive: all blocks have the same share of outliers; all keep the same number of weights";
        return range > 0 ? Array.ConvertAll(shares, s => (s - lowest) / range) : null;
    }

    /// <summary>Adds one number to all wishes such that, cut to [1, M], their average is N.</summary>
    private static double[] Shifted(double[] wanted, long[] weights, NOfM target)
    {
        (double low, double high) = (-target.M, target.M);
        for (int step = 0; step < 60; step++)
        {
            double middle = (low + high) / 2;
            if (Mean(middle) < target.N) low = middle;
            else high = middle;
        }

        // Without anything to cut the shift is 0, not what is left of the search.
        double shift = Math.Abs(high) < 1e-9 ? 0 : high;
        return [.. wanted.Select(w => Cut(w + shift))];

        double Mean(double s) => wanted.Zip(weights, (w, count) => Cut(w + s) * count).Sum() / weights.Sum();
        double Cut(double n) => Math.Clamp(n, 1, target.M);
    }
}
