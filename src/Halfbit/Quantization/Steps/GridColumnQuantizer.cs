using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.Steps;

/// <summary>Rounds weights to an affine grid per row and column group; grids are fixed before the walk or refitted to the compensated weights.</summary>
internal sealed class GridColumnQuantizer : IColumnQuantizer
{
    private readonly int rows;
    private readonly int columns;
    private readonly int bits;
    private readonly bool isSymmetric;
    private readonly ScaleFormat format;
    private readonly AffineGrid[] grids;
    private readonly byte[] codes;
    private readonly int groupSize;
    private readonly int groups;

    /// <summary>Grids fitted to the minimum and maximum of the current weights whenever the walk reaches a group.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="bits">Bits per code.</param>
    /// <param name="groupSize">Columns per grid, or -1.</param>
    /// <param name="isSymmetric">Whether zero has the middle code in every grid.</param>
    /// <param name="format">How scales are stored.</param>
    /// <param name="refitWidth">
    /// Columns whose grids are all fitted when the walk reaches the first of them, a multiple of the group size; 0: each group by itself.
    /// Wider than a group, later groups get grids of weights that miss the compensation since then: what the released GPTQ program does inside its blocks.
    /// </param>
    public GridColumnQuantizer(int rows, int columns, int bits, int groupSize, bool isSymmetric, ScaleFormat format, int refitWidth = 0)
    {
        this.rows = rows;
        this.columns = columns;
        this.bits = bits;
        this.isSymmetric = isSymmetric;
        this.format = format;
        this.groupSize = ColumnRange.WidthOf(columns, groupSize);
        groups = ColumnRange.CountOf(columns, groupSize);
        grids = new AffineGrid[rows * groups];
        codes = new byte[rows * columns];
        RefittedGroupSize = refitWidth == 0 ? this.groupSize : refitWidth;
    }

    /// <summary>Grids given beforehand, [rows, groups].</summary>
    public GridColumnQuantizer(int rows, int columns, int bits, int groupSize, AffineGrid[] grids, ScaleFormat format)
        : this(rows, columns, bits, groupSize, isSymmetric: false, format)
    {
        RefittedGroupSize = 0;
        this.grids = grids;
    }

    /// <inheritdoc/>
    public int RefittedGroupSize { get; }

    /// <inheritdoc/>
    public void Refit(int row, int group, ReadOnlySpan<float> current)
    {
        int first = group * RefittedGroupSize / groupSize;
        for (int start = 0; start < current.Length; start += groupSize)
        {
            (float low, float high) = RowRange.Of(current.Slice(start, Math.Min(groupSize, current.Length - start)));
            grids[(row * groups) + first + (start / groupSize)] = GridOf(low, high, bits, isSymmetric, format);
        }
    }

    /// <summary>The min-max grid of a range of weights.</summary>
    public static AffineGrid GridOf(float low, float high, int bits, bool isSymmetric, ScaleFormat format)
        => isSymmetric ? AffineGrid.Symmetric(low, high, 1 << bits, format) : AffineGrid.FromRange(low, high, 1 << bits, format);

    /// <inheritdoc/>
    public void Quantize(RowLanes rows, int column, ReadOnlySpan<float> w, Span<float> q)
    {
        int group = column / groupSize;
        foreach (int r in rows)
        {
            int i = rows.FirstRow + r;
            ref readonly AffineGrid grid = ref grids[(i * groups) + group];
            int code = grid.Encode(w[r]);
            codes[(i * columns) + column] = (byte)code;
            q[r] = grid.Decode(code);
        }
    }

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new GridMatrix(
        rows,
        columns,
        bits,
        codes,
        groupSize,
        Array.ConvertAll(grids, g => g.Scale),
        isSymmetric ? null : Array.ConvertAll(grids, g => (short)g.Zero),
        format);
}
