namespace Halfbit.Numerics;

/// <summary>A half-open range of columns [<see cref="Start"/>, <see cref="End"/>) of a matrix.</summary>
/// <param name="Start">First column, 0-based.</param>
/// <param name="End">One past the last column.</param>
public readonly record struct ColumnRange(int Start, int End)
{
    /// <summary>Number of columns.</summary>
    public int Count => End - Start;

    /// <summary>The columns from the end of this range to <paramref name="columns"/>.</summary>
    public ColumnRange RestOf(int columns) => new(End, columns);

    /// <summary>Cuts [0, <paramref name="columns"/>) into consecutive ranges of <paramref name="width"/>; the last may be shorter.</summary>
    /// <param name="columns">Number of columns, ≥ 0.</param>
    /// <param name="width">Columns per range, ≥ 1; -1 means one range over all columns.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="width"/> is zero or below -1.</exception>
    public static IEnumerable<ColumnRange> Split(int columns, int width)
    {
        int step = WidthOf(columns, width);
        for (int start = 0; start < columns; start += step)
            yield return new ColumnRange(start, Math.Min(start + step, columns));
    }

    /// <summary>Number of ranges that <see cref="Split"/> yields.</summary>
    public static int CountOf(int columns, int width)
    {
        int step = WidthOf(columns, width);
        return (int)(((long)columns + step - 1) / step);
    }

    /// <summary>The width in columns that a group size stands for: -1 is the whole row.</summary>
    public static int WidthOf(int columns, int groupSize)
    {
        if (groupSize == -1) return Math.Max(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(groupSize, 1);
        return groupSize;
    }
}
