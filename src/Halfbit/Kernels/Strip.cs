namespace Halfbit.Kernels;

/// <summary>
/// Up to 128 columns of a <see cref="TiledMatrix"/> that share row scales: which columns they are, and how the bytes of 128 rows of them, a record, are multiplied.
/// </summary>
internal abstract unsafe class Strip
{
    /// <summary>A strip.</summary>
    /// <param name="columns">The columns, 1 to 128.</param>
    protected Strip(int[] columns)
    {
        Columns = columns;
        ByteRows = ((columns.Length + 15) / 16) * 2;
        IsContiguous = columns[^1] - columns[0] == columns.Length - 1;
    }

    /// <summary>The columns in their order within the strip; the rest of the last 16 is empty.</summary>
    public int[] Columns { get; }

    /// <summary>Whether the columns, which ascend, have no gaps.</summary>
    public bool IsContiguous { get; }

    /// <summary>Bytes per row of a plane.</summary>
    public int ByteRows { get; }

    /// <summary>Bytes of a plane of a tile.</summary>
    public int PlaneBytes => ByteRows * PlaneKernel.TileRows;

    /// <summary>[columns], what activations are multiplied by; null: 1.</summary>
    public float[]? ColumnScales { get; init; }

    /// <summary>Bytes of a record, but for what depends on the rows.</summary>
    public abstract int ByteCount { get; }

    /// <summary>Adds the products of a tile's rows with one row of activations.</summary>
    /// <param name="record">Planes and scales.</param>
    /// <param name="input">The activations.</param>
    /// <param name="y">[128], by row.</param>
    /// <param name="kernel">Sums planes.</param>
    public abstract void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel);

    /// <summary>Adds the products of a tile's rows with one row of activations, where some weights count for nothing and the sums over the others are known.</summary>
    /// <param name="record">Planes and scales.</param>
    /// <param name="input">The activations.</param>
    /// <param name="kept">[128], Σ q over the weights of a row that count.</param>
    /// <param name="y">[128], by row.</param>
    /// <param name="kernel">Sums planes.</param>
    public virtual void AddKept(byte* record, in StripInput input, int* kept, float* y, PlaneKernel kernel) => throw new NotSupportedException();

    /// <summary>Writes a plane of a tile.</summary>
    /// <param name="plane">[byteRows][128], zeroed.</param>
    /// <param name="firstRow">First row of the tile.</param>
    /// <param name="rows">Rows of the matrix; rows beyond stay empty.</param>
    /// <param name="isSet">Whether the bit of (row, column) is set.</param>
    protected void WritePlane(byte* plane, int firstRow, int rows, Func<int, int, bool> isSet)
    {
        for (int p = 0; p < PlaneKernel.TileRows; p++)
        {
            int i = firstRow + PlaneKernel.RowOfLane(p);
            if (i >= rows) continue;
            for (int n = 0; n < Columns.Length; n++)
            {
                if (isSet(i, Columns[n])) plane[((n >> 3) * PlaneKernel.TileRows) + p] |= (byte)(1 << (n & 7));
            }
        }
    }

    /// <summary>Writes the scales of a tile.</summary>
    protected static void WriteScales(byte* scales, in ScaleTable table, int firstRow, int rows, Func<int, float> scaleOf)
    {
        for (int r = 0; r < PlaneKernel.TileRows && firstRow + r < rows; r++) table.Write(scales, r, scaleOf(firstRow + r));
    }
}
