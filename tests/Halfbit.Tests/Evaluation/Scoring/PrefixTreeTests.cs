using Halfbit.Evaluation;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Tests.Evaluation.Scoring;

public sealed class PrefixTreeTests
{
    [Fact]
    public void Each_distinct_beginning_has_one_row_that_its_ancestors_lead_to()
    {
        var random = new PythonRandom(3);
        int Below(int end) => (int)(random.NextDouble() * end);
        var tree = new PrefixTree();
        var rowOf = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int n = 0; n < 500; n++)
        {
            // Three tokens only: beginnings of every length are shared.
            int[] sequence = [.. Enumerable.Range(0, 1 + Below(12)).Select(_ => Below(3))];
            int before = tree.RowCount;
            int added = tree.NewRows(sequence);
            int[] rows = new int[sequence.Length];
            tree.Add(sequence, rows);
            Assert.Equal(added, tree.RowCount - before);
            Assert.Equal(0, tree.NewRows(sequence));
            for (int t = 0; t < rows.Length; t++)
            {
                string beginning = string.Join(' ', sequence.Take(t + 1));
                if (rowOf.TryGetValue(beginning, out int row)) Assert.Equal(row, rows[t]);
                rowOf[beginning] = rows[t];
                Assert.Equal(beginning, string.Join(' ', Beginning(tree.Batch, rows[t])));
            }
        }

        Assert.Equal(rowOf.Count, tree.RowCount);
        Assert.Equal(rowOf.Count, rowOf.Values.Distinct().Count());
        tree.Clear();
        Assert.Equal((0, 5), (tree.RowCount, tree.NewRows([0, 1, 2, 1, 0])));
    }

    /// <summary>The tokens from the root to a row.</summary>
    private static int[] Beginning(SequenceBatch batch, int row)
    {
        SequenceSegment segment = batch.Segments.First(s => row >= s.FirstRow && row < s.FirstRow + s.Count);
        int[] tokens = batch.Tokens.Slice(segment.FirstRow, row - segment.FirstRow + 1).ToArray();
        while (segment.Parent >= 0)
        {
            int count = segment.ParentCount;
            segment = batch.Segments[segment.Parent];
            tokens = [.. batch.Tokens.Slice(segment.FirstRow, count), .. tokens];
        }

        return tokens;
    }
}
