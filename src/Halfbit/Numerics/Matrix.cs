namespace Halfbit.Numerics;

/// <summary>An owning row-major single-precision matrix, [rows, columns], contiguous.</summary>
public sealed class Matrix : IWeightRows
{
    /// <summary>A matrix of zeros.</summary>
    /// <param name="rows">Rows, ≥ 0.</param>
    /// <param name="columns">Columns, ≥ 0; rows·columns below 2³¹.</param>
    public Matrix(int rows, int columns)
        : this(rows, columns, new float[checked(rows * columns)])
    {
    }

    /// <summary>A matrix over existing elements.</summary>
    /// <param name="rows">Rows, ≥ 0.</param>
    /// <param name="columns">Columns, ≥ 0.</param>
    /// <param name="data">[rows·columns], row-major; kept, not copied.</param>
    /// <exception cref="ArgumentException">The number of elements is not rows·columns.</exception>
    public Matrix(int rows, int columns, float[] data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if ((long)rows * columns != data.Length)
            throw new ArgumentException($"{data.Length} elements are not [{rows}, {columns}]", nameof(data));
        Rows = rows;
        Columns = columns;
        Data = data;
    }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Columns { get; }

    /// <summary>The elements, row-major, [rows·columns].</summary>
    public float[] Data { get; }

    /// <summary>The whole matrix as a window.</summary>
    public MatrixView<float> View => new(Data, Rows, Columns);

    /// <summary>Element (<paramref name="i"/>, <paramref name="j"/>).</summary>
    public ref float this[int i, int j] => ref Data[((long)i * Columns) + j];

    /// <summary>Row <paramref name="i"/>, [columns].</summary>
    public Span<float> Row(int i) => Data.AsSpan(i * Columns, Columns);

    /// <summary>A new matrix with the elements of <paramref name="view"/>.</summary>
    public static Matrix CopyOf(MatrixView<float> view)
    {
        var copy = new Matrix(view.Rows, view.Columns);
        view.CopyTo(copy.View);
        return copy;
    }

    /// <summary>A new matrix with the rows that <paramref name="source"/> expands to.</summary>
    public static Matrix Expand(IWeightRows source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var matrix = new Matrix(source.Rows, source.Columns);
        RowParallel.For(source.Rows, 64, (start, end) => source.ReadRows(start, matrix.View.RowRange(start, end - start)));
        return matrix;
    }

    /// <inheritdoc/>
    public void ReadRows(int firstRow, MatrixView<float> destination) => View.RowRange(firstRow, destination.Rows).CopyTo(destination);
}
