namespace Halfbit.Kernels;

/// <summary>A strip, and what writes its records from a quantized matrix.</summary>
/// <param name="Strip">The strip.</param>
/// <param name="Write">Writes the record of some rows of the matrix: its address (zeroed), the first row, the number of rows.</param>
internal sealed record StripSource(Strip Strip, Action<nint, int, int> Write)
{
    /// <summary>Bytes of the record of some rows of the matrix (the first, their number); null: <see cref="Strip.ByteCount"/>.</summary>
    public Func<int, int, int>? BytesOf { get; init; }
}

/// <summary>
/// Up to 128 columns of a <see cref="TiledMatrix"/> that share row scales: which columns they are, and how the bytes of 128 rows of them, a record, are multiplied.
/// </summary>
internal abstract unsafe class Strip
{
    /// <summary>A strip.</summary>
    /// <param name="columns">The columns, 1 to 128, ascending.</param>
    protected Strip(int[] columns)
    {
        Columns = columns;
        Words = (columns.Length + PlaneKernel.WordColumns - 1) / PlaneKernel.WordColumns;
        IsContiguous = columns[^1] - columns[0] == columns.Length - 1;
    }

    /// <summary>The columns in their order within the strip; the rest of the last 16 is empty.</summary>
    public int[] Columns { get; }

    /// <summary>Whether the columns have no gaps.</summary>
    public bool IsContiguous { get; }

    /// <summary>Words of 16 columns per row of a plane.</summary>
    public int Words { get; }

    /// <summary>Bytes of a plane of a tile.</summary>
    public int PlaneBytes => Words * PlaneKernel.WordBytes;

    /// <summary>[columns], what activations are multiplied by; null: 1.</summary>
    public float[]? ColumnScales { get; init; }

    /// <summary>Bytes of a record, but for what depends on the rows.</summary>
    public abstract int ByteCount { get; }

    /// <summary>A few words for people.</summary>
    public abstract string Description { get; }

    /// <summary>Adds the products of a tile's rows with one row of activations.</summary>
    /// <param name="record">Planes and scales.</param>
    /// <param name="input">The activations.</param>
    /// <param name="y">[128], by row, or what <see cref="RowScales"/> makes that of.</param>
    /// <param name="kernel">Sums planes.</param>
    public abstract void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel);

    /// <summary>Adds the products of a tile's rows with one row of activations, where some weights count for nothing.</summary>
    /// <param name="record">Planes and scales.</param>
    /// <param name="input">The activations.</param>
    /// <param name="left">[128], by lane: Σ q over the weights that do not count.</param>
    /// <param name="y">[128], by row.</param>
    /// <param name="kernel">Sums planes.</param>
    public virtual void AddRest(byte* record, in StripInput input, short* left, float* y, PlaneKernel kernel) => throw new NotSupportedException();

    /// <summary>The weights of a row, or what <see cref="RowScales.Expand"/> makes them of.</summary>
    /// <param name="record">Planes and scales.</param>
    /// <param name="row">Row of the tile.</param>
    /// <param name="u">[3][128], zeroed; by column of the strip: what is added to the sum of that number for an activation of 1.</param>
    public abstract void Expand(byte* record, int row, float* u);

    /// <summary>Writes the scales of a tile.</summary>
    /// <param name="scales">Zeroed.</param>
    /// <param name="table">How they are stored.</param>
    /// <param name="firstRow">First row of the tile in the matrix.</param>
    /// <param name="rows">Rows of the tile.</param>
    /// <param name="scaleOf">The scale of a row of the matrix.</param>
    protected static void WriteScales(byte* scales, in ScaleTable table, int firstRow, int rows, Func<int, float> scaleOf)
    {
        for (int r = 0; r < rows; r++) table.Write(scales, r, scaleOf(firstRow + r));
    }
}
