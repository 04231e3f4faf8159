namespace Halfbit.Quantization.Budget;

/// <summary>What a candidate makes of a layer.</summary>
/// <param name="Bytes">Bytes stored, ≥ 0.</param>
/// <param name="Cost">What its error counts, ≥ 0.</param>
internal readonly record struct BudgetPoint(long Bytes, double Cost);

/// <summary>Chooses one candidate for every layer: the least sum of costs within a sum of bytes.</summary>
/// <remarks>
/// Lagrange: in the order of their gain per byte, steps along the lower convex hull of each layer's points are the best choice for every sum of bytes that they reach. What
/// remains after the last step that fits is filled by whatever gains most per byte. The same filling also starts from every candidate that fits as the choice of all layers,
/// so that the result is never worse than one of them.
/// </remarks>
internal static class BudgetChoice
{
    /// <summary>The bytes of the cheapest choice.</summary>
    public static long LeastBytes(IReadOnlyList<BudgetPoint[]> layers) => layers.Sum(points => points.Min(p => p.Bytes));

    /// <summary>The choice.</summary>
    /// <param name="layers">[layers][candidates], as many candidates for each.</param>
    /// <param name="limit">Most bytes, ≥ <see cref="LeastBytes"/>.</param>
    /// <returns>[layers], the chosen candidate of each; the same for the same points.</returns>
    public static int[] Of(IReadOnlyList<BudgetPoint[]> layers, long limit)
    {
        int[] best = AlongHulls(layers, limit);
        Fill(layers, limit, best);
        double least = CostOf(layers, best);
        for (int c = 0; c < layers[0].Length; c++)
        {
            int[] alike = [.. Enumerable.Repeat(c, layers.Count)];
            if (BytesOf(layers, alike) > limit) continue;
            Fill(layers, limit, alike);
            double cost = CostOf(layers, alike);
            if (cost < least) (best, least) = (alike, cost);
        }

        return best;
    }

    /// <summary>Sum of bytes.</summary>
    public static long BytesOf(IReadOnlyList<BudgetPoint[]> layers, int[] chosen) => chosen.Select((c, l) => layers[l][c].Bytes).Sum();

    /// <summary>Sum of costs.</summary>
    public static double CostOf(IReadOnlyList<BudgetPoint[]> layers, int[] chosen) => chosen.Select((c, l) => layers[l][c].Cost).Sum();

    private static int[] AlongHulls(IReadOnlyList<BudgetPoint[]> layers, long limit)
    {
        int[][] hulls = [.. layers.Select(Hull)];
        int[] chosen = [.. hulls.Select(h => h[0])];
        long bytes = BytesOf(layers, chosen);
        IEnumerable<(int Layer, int Step, double Gain)> steps = hulls
            .SelectMany((hull, l) => Enumerable.Range(1, hull.Length - 1).Select(s => (Layer: l, Step: s, Gain: Gain(layers[l][hull[s - 1]], layers[l][hull[s]]))))
            .OrderByDescending(s => s.Gain).ThenBy(s => s.Layer).ThenBy(s => s.Step);
        foreach ((int layer, int step, _) in steps)
        {
            int next = hulls[layer][step];
            long more = layers[layer][next].Bytes - layers[layer][chosen[layer]].Bytes;
            if (bytes + more > limit) break;
            chosen[layer] = next;
            bytes += more;
        }

        return chosen;
    }

    /// <summary>Replaces candidates by better ones while any fits.</summary>
    private static void Fill(IReadOnlyList<BudgetPoint[]> layers, long limit, int[] chosen)
    {
        long left = limit - BytesOf(layers, chosen);
        while (true)
        {
            (int Layer, int Candidate, double Gain) best = (-1, 0, 0);
            for (int l = 0; l < layers.Count; l++)
            {
                BudgetPoint now = layers[l][chosen[l]];
                for (int c = 0; c < layers[l].Length; c++)
                {
                    BudgetPoint next = layers[l][c];
                    if (next.Bytes - now.Bytes > left || next.Cost >= now.Cost) continue;
                    double gain = Gain(now, next);
                    if (gain > best.Gain) best = (l, c, gain);
                }
            }

            if (best.Layer < 0) return;
            left -= layers[best.Layer][best.Candidate].Bytes - layers[best.Layer][chosen[best.Layer]].Bytes;
            chosen[best.Layer] = best.Candidate;
        }
    }

    /// <summary>Candidates on the lower convex hull of the points, from the fewest bytes to the least cost.</summary>
    private static int[] Hull(BudgetPoint[] points)
    {
        var hull = new List<int>();
        foreach (int c in Enumerable.Range(0, points.Length).OrderBy(c => points[c].Bytes).ThenBy(c => points[c].Cost).ThenBy(c => c))
        {
            if (hull.Count > 0 && points[c].Cost >= points[hull[^1]].Cost) continue;
            while (hull.Count > 1 && Gain(points[hull[^2]], points[hull[^1]]) <= Gain(points[hull[^1]], points[c])) hull.RemoveAt(hull.Count - 1);
            hull.Add(c);
        }

        return [.. hull];
    }

    /// <summary>Cost saved per byte; one byte where none is added.</summary>
    private static double Gain(BudgetPoint from, BudgetPoint to) => (from.Cost - to.Cost) / Math.Max(1, to.Bytes - from.Bytes);
}
