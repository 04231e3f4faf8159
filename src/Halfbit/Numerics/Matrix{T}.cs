namespace Halfbit.Numerics;

/// <summary>An owning row-major matrix, [rows, columns], contiguous, of single or double precision: the same code then serves fast runs and exact checks.</summary>
/// <typeparam name="T">Element type.</typeparam>
internal sealed class Matrix<T>
    where T : unmanaged
{
    /// <summary>A matrix of zeros.</summary>
    /// <param name="rows">Rows, ≥ 0.</param>
    /// <param name="columns">Columns, ≥ 0; rows·columns below 2³¹.</param>
    public Matrix(int rows, int columns)
        : this(rows, columns, new T[checked(rows * columns)])
    {
    }

    /// <summary>A matrix over existing elements.</summary>
    /// <param name="rows">Rows, ≥ 0.</param>
    /// <param name="columns">Columns, ≥ 0.</param>
    /// <param name="data">[rows·columns], row-major; kept, not copied.</param>
    /// <exception cref="ArgumentException">The number of elements is not rows·columns.</exception>
    public Matrix(int rows, int columns, T[] data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if ((long)rows * columns != data.Length)
            throw new ArgumentException($"{data.Length} elements are not [{rows}, {columns}]", nameof(data));
        Rows = rows;
        Columns = columns;
        Data = data;
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Number of columns.</summary>
    public int Columns { get; }

    /// <summary>The elements, row-major, [rows·columns].</summary>
    public T[] Data { get; }

    /// <summary>The whole matrix as a window.</summary>
    public MatrixView<T> View => new(Data, Rows, Columns);

    /// <summary>Element (<paramref name="i"/>, <paramref name="j"/>).</summary>
    public ref T this[int i, int j] => ref Data[((long)i * Columns) + j];

    /// <summary>Row <paramref name="i"/>, [columns].</summary>
    public Span<T> Row(int i) => Data.AsSpan(i * Columns, Columns);

    /// <summary>A new matrix with the elements of <paramref name="view"/>.</summary>
    public static Matrix<T> CopyOf(MatrixView<T> view)
    {
        var copy = new Matrix<T>(view.Rows, view.Columns);
        view.CopyTo(copy.View);
        return copy;
    }
}
