using Halfbit.Numerics;

namespace Halfbit.Representation;

/// <summary>Integer codes on an affine grid per row and column group: Ŵᵢⱼ = sᵢ,g·(qᵢⱼ − zᵢ,g), q ∈ [0, 2^bits).</summary>
public sealed class GridMatrix : QuantizedMatrix
{
    /// <summary>Codes with their grids.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="bits">Bits per code, 1 to 8.</param>
    /// <param name="codes">[rows, columns], each below 2^bits.</param>
    /// <param name="groupSize">Columns that share a grid; -1: the whole row.</param>
    /// <param name="scale">[rows, groups], grid steps s, storable in <paramref name="format"/>.</param>
    /// <param name="zero">[rows, groups], the code z that stands for 0; usually in [0, 2^bits), at most 16 bits signed. Null: 2^(bits − 1) everywhere (symmetric).</param>
    /// <param name="format">How scales are stored.</param>
    public GridMatrix(int rows, int columns, int bits, byte[] codes, int groupSize, float[] scale, short[]? zero, ScaleFormat format)
        : base(rows, columns)
    {
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        if (codes.Length != (long)rows * columns) throw new ArgumentException($"{codes.Length} codes are not [{rows}, {columns}]", nameof(codes));
        Bits = bits;
        Codes = codes;
        GroupSize = ColumnRange.WidthOf(columns, groupSize);
        Groups = ColumnRange.CountOf(columns, groupSize);
        Scale = Checked(scale, rows, Groups, nameof(scale));
        if (zero is not null && zero.Length != (long)rows * Groups) throw new ArgumentException($"{zero.Length} zero codes are not [{rows}, {Groups}]", nameof(zero));
        Zero = zero;
        Format = format;
    }

    /// <summary>Bits per code.</summary>
    public int Bits { get; }

    /// <summary>[rows, columns], codes q.</summary>
    public byte[] Codes { get; }

    /// <summary>Columns per group, ≥ 1 (the last group may be narrower).</summary>
    public int GroupSize { get; }

    /// <summary>Groups per row.</summary>
    public int Groups { get; }

    /// <summary>[rows, groups], grid steps s.</summary>
    public float[] Scale { get; }

    /// <summary>[rows, groups], codes of zero z; null means 2^(bits − 1) everywhere.</summary>
    public short[]? Zero { get; }

    /// <summary>How scales are stored.</summary>
    public ScaleFormat Format { get; }

    /// <summary>The zero code of a row and group.</summary>
    public int ZeroOf(int i, int g) => Zero is null ? 1 << (Bits - 1) : Zero[(i * Groups) + g];

    /// <inheritdoc/>
    public override QuantizedMatrix Stored(ScaleFormat format)
        => new GridMatrix(Rows, Columns, Bits, Codes, GroupSize, Rounded(Scale, format), Zero, format);

    /// <inheritdoc/>
    public override void ReadRows(int firstRow, MatrixView<float> destination)
    {
        for (int r = 0; r < destination.Rows; r++)
        {
            int i = firstRow + r;
            Span<float> row = destination.Row(r);
            ReadOnlySpan<byte> codes = Codes.AsSpan(i * Columns, Columns);
            for (int g = 0; g < Groups; g++)
            {
                float scale = Scale[(i * Groups) + g];
                int zero = ZeroOf(i, g);
                int end = Math.Min((g + 1) * GroupSize, Columns);
                for (int j = g * GroupSize; j < end; j++) row[j] = scale * (codes[j] - zero);
            }
        }
    }
}
