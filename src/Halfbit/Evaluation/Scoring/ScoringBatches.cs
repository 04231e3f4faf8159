namespace Halfbit.Evaluation;

/// <summary>Cuts a list of items into parts that are scored together.</summary>
public static class ScoringBatches
{
    /// <summary>Rows of one pass where nothing else is asked for: enough to read the weights seldom, few enough for a small memory.</summary>
    public const int DefaultRows = 2048;

    /// <summary>Consecutive items whose sequences have at most so many distinct beginnings; an item is never split, one that alone has more is a batch of its own.</summary>
    /// <param name="items">Each the sequences of one item. Items with the same beginning should be neighbours.</param>
    /// <param name="batchRows">Distinct rows of a batch, ≥ 1.</param>
    /// <returns>Ranges of items, in order, without gaps; none is empty.</returns>
    /// <exception cref="ArgumentException">A sequence has no inputs, or the number of rows is below 1.</exception>
    public static IEnumerable<Range> Cut(IReadOnlyList<ScoredSequence[]> items, int batchRows = DefaultRows)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchRows, 1);
        return Ranges(items, batchRows);
    }

    private static IEnumerable<Range> Ranges(IReadOnlyList<ScoredSequence[]> items, int batchRows)
    {
        var tree = new PrefixTree();
        int first = 0;
        for (int item = 0; item < items.Count; item++)
        {
            Add(tree, items[item]);
            if (tree.RowCount <= batchRows || item == first) continue;
            yield return first..item;
            first = item;
            tree.Clear();
            Add(tree, items[item]);
        }

        if (first < items.Count) yield return first..items.Count;
    }

    private static void Add(PrefixTree tree, ScoredSequence[] item)
    {
        foreach (ScoredSequence sequence in item) tree.Add(sequence.Inputs, []);
    }
}
