using Halfbit.Numerics;

namespace Halfbit.Representation;

/// <summary>One plane of signs: Ŵᵢⱼ = μᵢ,g + αᵢ,g·Bᵢⱼ with B ∈ {−1, +1} and g the column group of j.</summary>
public sealed class SignMatrix : QuantizedMatrix
{
    /// <summary>A sign plane with its scales.</summary>
    /// <param name="signs">[rows, columns]; a set bit is +1.</param>
    /// <param name="groupSize">Columns that share scales; -1: the whole row.</param>
    /// <param name="alpha">[rows, groups], scales, storable in <paramref name="format"/>.</param>
    /// <param name="mu">[rows, groups], means, or null for none.</param>
    /// <param name="format">How scales and means are stored.</param>
    public SignMatrix(BitMatrix signs, int groupSize, float[] alpha, float[]? mu, ScaleFormat format)
        : base(signs.Rows, signs.Columns)
    {
        Signs = signs;
        GroupSize = ColumnRange.WidthOf(signs.Columns, groupSize);
        Groups = ColumnRange.CountOf(signs.Columns, groupSize);
        Alpha = Checked(alpha, Rows, Groups, nameof(alpha));
        Mu = mu is null ? null : Checked(mu, Rows, Groups, nameof(mu));
        Format = format;
    }

    /// <summary>[rows, columns]; a set bit is +1, a cleared one −1.</summary>
    public BitMatrix Signs { get; }

    /// <summary>Columns per group, ≥ 1 (the last group may be narrower).</summary>
    public int GroupSize { get; }

    /// <summary>Groups per row.</summary>
    public int Groups { get; }

    /// <summary>[rows, groups], scales α.</summary>
    public float[] Alpha { get; }

    /// <summary>[rows, groups], means μ, or null when all are zero.</summary>
    public float[]? Mu { get; }

    /// <summary>How scales and means are stored.</summary>
    public ScaleFormat Format { get; }

    /// <inheritdoc/>
    public override QuantizedMatrix Stored(ScaleFormat format)
        => new SignMatrix(Signs, GroupSize, Rounded(Alpha, format), Mu is null ? null : Rounded(Mu, format), format);

    /// <inheritdoc/>
    public override void ReadRows(int firstRow, MatrixView<float> destination)
    {
        for (int r = 0; r < destination.Rows; r++)
        {
            int i = firstRow + r;
            Span<float> row = destination.Row(r);
            ReadOnlySpan<ulong> bits = Signs.Row(i);
            for (int g = 0; g < Groups; g++)
            {
                float mu = Mu is null ? 0f : Mu[(i * Groups) + g];
                float plus = mu + Alpha[(i * Groups) + g];
                float minus = mu - Alpha[(i * Groups) + g];
                int end = Math.Min((g + 1) * GroupSize, Columns);
                for (int j = g * GroupSize; j < end; j++) row[j] = (bits[j >> 6] >> (j & 63) & 1) != 0 ? plus : minus;
            }
        }
    }
}
