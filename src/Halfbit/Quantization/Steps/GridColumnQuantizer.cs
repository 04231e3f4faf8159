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
    public GridColumnQuantizer(int rows, int columns, int bits, int groupSize, bool isSymmetric, ScaleFormat format)
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
        RefittedGroupSize = this.groupSize;
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
        (float low, float high) = RowRange.Of(current);
        grids[(row * groups) + group] = isSymmetric
            ? AffineGrid.Symmetric(low, high, 1 << bits, format)
            : AffineGrid.FromRange(low, high, 1 << bits, format);
    }

    /// <inheritdoc/>
    public float Quantize(int row, int column, float w)
    {
        AffineGrid grid = grids[(row * groups) + (column / groupSize)];
        int code = grid.Encode(w);
        codes[(row * columns) + column] = (byte)code;
        return grid.Decode(code);
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
