namespace Halfbit.Evaluation;

/// <summary>Targets of many sequences and the rows that predict them: a row may predict several targets, and each row is wanted once.</summary>
internal sealed class TargetRows
{
    private int[] ids = new int[64];
    private int[] rowOf = new int[64];
    private int[] rows = [];

    /// <summary>[<see cref="RowCount"/> + 1] where the targets of each distinct row start in <see cref="grouped"/>.</summary>
    private int[] starts = [];

    /// <summary>[<see cref="Count"/>] targets by row.</summary>
    private int[] grouped = [];

    /// <summary>[rows of the batch] how many targets a row has, then where its next one goes.</summary>
    private int[] next = [];

    /// <summary>Number of targets.</summary>
    public int Count { get; private set; }

    /// <summary>Number of distinct rows, after <see cref="Group"/>.</summary>
    public int RowCount { get; private set; }

    /// <summary>[<see cref="RowCount"/>] the distinct rows, ascending.</summary>
    public ReadOnlySpan<int> Rows => rows.AsSpan(0, RowCount);

    /// <summary>Removes all targets; memory is kept.</summary>
    public void Clear()
    {
        Count = 0;
        RowCount = 0;
    }

    /// <summary>Appends the targets of one sequence.</summary>
    /// <param name="targets">Token ids.</param>
    /// <returns>[targets], to be filled with the row that predicts each, before the next call.</returns>
    public Span<int> Append(ReadOnlySpan<int> targets)
    {
        int end = Count + targets.Length;
        if (end > ids.Length)
        {
            Array.Resize(ref ids, Math.Max(end, 2 * ids.Length));
            Array.Resize(ref rowOf, ids.Length);
        }

        targets.CopyTo(ids.AsSpan(Count));
        Span<int> rowsOfTargets = rowOf.AsSpan(Count, targets.Length);
        Count = end;
        return rowsOfTargets;
    }

    /// <summary>Groups the targets by row (a counting sort).</summary>
    /// <param name="batchRows">One past the largest row.</param>
    public void Group(int batchRows)
    {
        if (next.Length < batchRows)
        {
            next = new int[Math.Max(batchRows, 2 * next.Length)];
            rows = new int[next.Length];
            starts = new int[next.Length + 1];
        }

        if (grouped.Length < Count) grouped = new int[ids.Length];
        next.AsSpan(0, batchRows).Clear();
        foreach (int row in rowOf.AsSpan(0, Count)) next[row]++;

        int place = 0;
        RowCount = 0;
        for (int row = 0; row < batchRows; row++)
        {
            int count = next[row];
            if (count == 0) continue;
            next[row] = place;
            starts[RowCount] = place;
            rows[RowCount++] = row;
            place += count;
        }

        starts[RowCount] = place;
        for (int target = 0; target < Count; target++) grouped[next[rowOf[target]]++] = target;
    }

    /// <summary>Targets that a row predicts.</summary>
    /// <param name="slot">Index in <see cref="Rows"/>.</param>
    public ReadOnlySpan<int> Of(int slot) => grouped.AsSpan(starts[slot]..starts[slot + 1]);

    /// <summary>Token id of a target.</summary>
    /// <param name="target">Index of the target.</param>
    public int Id(int target) => ids[target];
}
