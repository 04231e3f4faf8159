using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>What a search for thresholds found.</summary>
/// <param name="Index">The winning candidate.</param>
/// <param name="Errors">[candidates], Σω(S − Ŝ)² over the cells of the included columns; the search takes its first minimum.</param>
internal sealed record Split(int Index, double[] Errors)
{
    /// <summary>The least error.</summary>
    public double Error => Errors[Index];
}

/// <summary>
/// Where to part the cells of a block by magnitude: among candidate thresholds, the one for which the groups, each binarized per row, have the least squared error.
/// </summary>
/// <remarks>
/// Each row is sorted once. For ascending thresholds the bounds of the groups move outward through the order, and each error follows from prefix sums
/// (<see cref="SortedRow"/>): amortised constant time per candidate and row instead of visiting all cells.
/// </remarks>
internal static class SplitSearch
{
    private const int ChunkRows = 64;

    /// <summary>Finds the thresholds. Group g holds the cells with bounds[g − 1] ≤ |value| &lt; bounds[g]; the first has no lower bound, the last no upper one.</summary>
    /// <param name="S">[rows, w].</param>
    /// <param name="isExcluded">[w], columns that take no part; null: none.</param>
    /// <param name="bounds">[groups − 1][candidates]; per candidate ascending from bound to bound, per bound ascending over the candidates, ≥ 0.</param>
    /// <param name="planes">Sign planes of each group, 1 or 2.</param>
    /// <param name="hasMeans">Whether planes have means.</param>
    public static Split Find(SearchMatrix S, bool[]? isExcluded, IReadOnlyList<float[]> bounds, int planes = 1, bool hasMeans = true)
    {
        int candidates = bounds[0].Length;
        ArgumentOutOfRangeException.ThrowIfZero(candidates);
        int[] included = [.. Enumerable.Range(0, S.Columns).Where(j => isExcluded is null || !isExcluded[j])];
        int chunks = ((S.Rows - 1) / ChunkRows) + 1;
        var ofChunk = new double[chunks * candidates];
        float[][] thresholds = [.. bounds];
        RowParallel.For(S.Rows, ChunkRows, (start, end) =>
        {
            SortedRow.Loader loader = SortedRow.Loader.ForThread(S.Columns);
            var walk = new Walk(thresholds.Length + 1);
            Span<double> sums = ofChunk.AsSpan(start / ChunkRows * candidates, candidates);
            for (int first = start; first < end; first += SortedRow.Loader.Rows)
            {
                int rows = Math.Min(SortedRow.Loader.Rows, end - first);
                loader.Load(S, first, rows, included);
                for (int r = 0; r < rows; r++)
                {
                    loader.Take(S, r, included.Length);
                    walk.AddErrors(loader.Row, thresholds, planes, hasMeans, sums);
                }
            }
        });

        var errors = new double[candidates];
        for (int c = 0; c < chunks; c++)
        {
            for (int k = 0; k < candidates; k++) errors[k] += ofChunk[(c * candidates) + k];
        }

        int best = 0;
        for (int k = 1; k < candidates; k++)
        {
            if (errors[k] < errors[best]) best = k;
        }

        return new Split(best, errors);
    }

    /// <summary>The places of all bounds in one row while the candidates ascend.</summary>
    private sealed class Walk(int groups)
    {
        private readonly int[] down = new int[groups];
        private readonly int[] up = new int[groups];
        private readonly int[] hint = new int[groups];
        private readonly SortedRow.Runs[] runs = new SortedRow.Runs[groups];
        private readonly double[] gain = new double[groups];

        public void AddErrors(SortedRow row, float[][] bounds, int planes, bool hasMeans, Span<double> errors)
        {
            down.AsSpan().Fill(row.Negative);
            up.AsSpan().Fill(row.Negative);
            hint.AsSpan().Fill(row.Negative);
            runs.AsSpan().Clear();
            gain.AsSpan().Clear();
            (down[^1], up[^1]) = (0, row.Count);
            for (int c = 0; c < errors.Length; c++)
            {
                double total = 0;
                int innerDown = row.Negative;
                int innerUp = row.Negative;
                for (int g = 0; g < groups; g++)
                {
                    if (g < bounds.Length && bounds[g][c] > 0)
                    {
                        double p = bounds[g][c];
                        down[g] = row.MoveDown(down[g], p);
                        up[g] = row.MoveUp(up[g], p);
                    }

                    // Often no value lies between a candidate and the one before it.
                    var current = new SortedRow.Runs(down[g], innerDown, innerUp, up[g]);
                    if (current != runs[g])
                    {
                        runs[g] = current;
                        gain[g] = row.Gain(current, planes, hasMeans, ref hint[g]);
                    }

                    total += gain[g];
                    (innerDown, innerUp) = (down[g], up[g]);
                }

                errors[c] += row.Energy - total;
            }
        }
    }
}
