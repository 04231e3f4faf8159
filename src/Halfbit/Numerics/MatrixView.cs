namespace Halfbit.Numerics;

/// <summary>A window on row-major elements: [rows, columns] with a distance of <see cref="Stride"/> elements between rows.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly ref struct MatrixView<T>
    where T : unmanaged
{
    private readonly Span<T> data;

    /// <summary>A window on <paramref name="data"/>.</summary>
    /// <param name="data">At least (rows − 1)·stride + columns elements.</param>
    /// <param name="rows">Rows, ≥ 0.</param>
    /// <param name="columns">Columns, ≥ 0.</param>
    /// <param name="stride">Elements from one row to the next, ≥ columns.</param>
    /// <exception cref="ArgumentException">The data are too short, or the stride is below the number of columns.</exception>
    public MatrixView(Span<T> data, int rows, int columns, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (stride < columns) throw new ArgumentException($"stride {stride} is below the number of columns {columns}", nameof(stride));
        if (rows > 0 && ((long)(rows - 1) * stride) + columns > data.Length)
            throw new ArgumentException($"{data.Length} elements do not hold [{rows}, {columns}] with stride {stride}", nameof(data));
        this.data = data;
        Rows = rows;
        Columns = columns;
        Stride = stride;
    }

    /// <summary>A window on contiguous rows.</summary>
    public MatrixView(Span<T> data, int rows, int columns)
        : this(data, rows, columns, columns)
    {
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Number of columns.</summary>
    public int Columns { get; }

    /// <summary>Elements from one row to the next.</summary>
    public int Stride { get; }

    /// <summary>All elements from the first of the first row to the last of the last row (gaps between rows included).</summary>
    public Span<T> Data => Rows == 0 ? [] : data[..(((Rows - 1) * Stride) + Columns)];

    /// <summary>Element (<paramref name="i"/>, <paramref name="j"/>).</summary>
    public ref T this[int i, int j] => ref data[(i * Stride) + j];

    /// <summary>The window's columns <paramref name="columns"/>, all rows.</summary>
    public MatrixView<T> this[ColumnRange columns]
        => new(Rows == 0 ? [] : data[columns.Start..], Rows, columns.Count, Stride);

    /// <summary>Row <paramref name="i"/>, [columns].</summary>
    public Span<T> Row(int i) => data.Slice(i * Stride, Columns);

    /// <summary>Rows [<paramref name="start"/>, <paramref name="start"/> + <paramref name="count"/>).</summary>
    public MatrixView<T> RowRange(int start, int count)
        => new(count == 0 ? [] : data[(start * Stride)..], count, Columns, Stride);

    /// <summary>Copies all elements to a window of the same shape.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void CopyTo(MatrixView<T> destination)
    {
        if (destination.Rows != Rows || destination.Columns != Columns)
            throw new ArgumentException($"[{Rows}, {Columns}] does not fit [{destination.Rows}, {destination.Columns}]", nameof(destination));
        for (int i = 0; i < Rows; i++) Row(i).CopyTo(destination.Row(i));
    }
}
