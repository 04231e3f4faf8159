using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Quantization.Steps;

/// <summary>Chooses among ways to quantize a layer by what counts, the weighted error tr((W − Q)·H·(W − Q)ᵀ), on a sample of its rows.</summary>
/// <remarks>Rows share columns and thresholds but little else, so evenly spaced rows show what a way does to the layer. Layers of up to <see cref="SampleRows"/> rows are tried whole.</remarks>
internal static class SampledChoice
{
    /// <summary>Rows that are tried.</summary>
    public const int SampleRows = 128;

    /// <summary>Which rows are tried.</summary>
    /// <param name="rows">Rows of the layer.</param>
    /// <param name="most">Most rows that are tried.</param>
    public static int[] RowsOf(int rows, int most = SampleRows)
    {
        int sampled = Math.Min(rows, most);
        return [.. Enumerable.Range(0, sampled).Select(r => (int)((long)r * rows / sampled))];
    }

    /// <summary>The candidate of least weighted error; the first on ties.</summary>
    /// <param name="candidates">At least one.</param>
    /// <param name="W">[rows, n], original weights.</param>
    /// <param name="H">[n, n], undamped Hessian.</param>
    /// <param name="quantize">Quantizes some rows, [at most <see cref="SampleRows"/>, n], in the way of a candidate.</param>
    public static T Best<T>(IReadOnlyList<T> candidates, Matrix W, Matrix H, Func<T, Matrix, Matrix> quantize)
        => Best(candidates, W, H, (candidate, rows) => (quantize(candidate, rows), 1));

    /// <summary>The candidate of least weighted error times price; the first on ties.</summary>
    /// <param name="candidates">At least one.</param>
    /// <param name="W">[rows, n], original weights.</param>
    /// <param name="H">[n, n], undamped Hessian.</param>
    /// <param name="quantize">Quantizes some rows, [at most <see cref="SampleRows"/>, n], in the way of a candidate; gives the price with them, greater the more bits it takes.</param>
    public static T Best<T>(IReadOnlyList<T> candidates, Matrix W, Matrix H, Func<T, Matrix, (Matrix Q, double Price)> quantize)
    {
        if (candidates.Count == 1) return candidates[0];
        Matrix sample = Sample(W);
        T best = candidates[0];
        double least = double.PositiveInfinity;
        foreach (T candidate in candidates)
        {
            (Matrix Q, double price) = quantize(candidate, sample);
            double error = WeightedError.Of(sample, Q, H) * price;
            if (error < least) (best, least) = (candidate, error);
        }

        return best;
    }

    private static Matrix Sample(Matrix W)
    {
        int[] rows = RowsOf(W.Rows);
        var sample = new Matrix(rows.Length, W.Columns);
        for (int r = 0; r < rows.Length; r++) W.Row(rows[r]).CopyTo(sample.Row(r));
        return sample;
    }
}
