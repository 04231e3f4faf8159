using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Quantization.PbLlm;

/// <summary>Searches the fit of the low levels by what counts: the weighted error after the walk, on a sample of rows.</summary>
/// <remarks>Rows are independent of each other once the salient set is chosen, so a sample of them shows what a fit does to the layer.</remarks>
internal static class LowFitSearch
{
    /// <summary>Rows that are tried of a layer with more than <see cref="WholeRows"/>; smaller ones are tried whole.</summary>
    private const int SampleRows = 48;
    private const int WholeRows = 128;

    private const double Step = 1.15;
    private const int MaximumSteps = 8;
    private static readonly double[] Powers = [0, 1];

    /// <summary>The fit of least tr((W − Q)·H·(W − Q)ᵀ) over the sample: for each power, the stretch goes up, or else down, as long as the error falls.</summary>
    /// <param name="walk">The layer's walk.</param>
    /// <param name="W">[rows, n], original weights.</param>
    /// <param name="H">[n, n], undamped Hessian.</param>
    public static LowFit Find(PartialWalk walk, Matrix W, Matrix H)
    {
        int tried = W.Rows <= WholeRows ? W.Rows : SampleRows;
        int[] rows = [.. Enumerable.Range(0, tried).Select(r => (int)((long)r * W.Rows / tried))];
        PartialWalk sample = walk.OfRows(rows);
        Matrix original = PartialWalk.RowsOf(W, rows);
        var costs = new double[tried];

        (LowFit Fit, double Error) best = (LowFit.Plain, double.PositiveInfinity);
        foreach (double power in Powers)
        {
            (LowFit Fit, double Error) start = Try(new LowFit(power, 1));
            (LowFit Fit, double Error) reached = Climb(start, Step);
            if (reached.Fit == start.Fit) reached = Climb(start, 1 / Step);
            if (reached.Error < best.Error) best = reached;
        }

        return best.Fit;

        (LowFit Fit, double Error) Climb((LowFit Fit, double Error) from, double factor)
        {
            for (int step = 0; step < MaximumSteps; step++)
            {
                (LowFit Fit, double Error) next = Try(from.Fit with { Stretch = from.Fit.Stretch * factor });
                if (!(next.Error < from.Error)) break;
                from = next;
            }

            return from;
        }

        (LowFit Fit, double Error) Try(LowFit fit)
        {
            sample.Run(fit, out Matrix Q, costs);
            return (fit, walk.Options.Compensation ? costs.Sum() : WeightedError.Of(original, Q, H)); // the walk knows its cost, up to the damping
        }
    }
}
