using System.Runtime.Intrinsics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.Steps;

/// <summary>What becomes of a weight that lies exactly on the threshold between the two levels.</summary>
internal enum OnThreshold
{
    /// <summary>The upper level: what one stored bit can say, and our rule.</summary>
    Upper,

    /// <summary>The lower level (the released {0, α} code: only x &gt; 0 becomes α).</summary>
    Lower,

    /// <summary>The middle μ: a program's sign(0) = 0. Stored as the upper level.</summary>
    Middle,
}

/// <summary>Maps weights to μ ± α per row and column group, by the side of a threshold; all statistics fixed before the walk.</summary>
internal sealed class SignColumnQuantizer : IColumnQuantizer
{
    private const int Lanes = RowTile.Lanes;

    private readonly LaneBits signs;
    private readonly float[] alpha;
    private readonly float[] mu;

    // [tiles, groups][16], a row in each lane
    private readonly float[] lower;
    private readonly float[] middle;
    private readonly float[] upper;
    private readonly float[] threshold;
    private readonly bool hasMean;
    private readonly OnThreshold onThreshold;
    private readonly ScaleFormat format;
    private readonly int groupSize;
    private readonly int groups;

    /// <summary>Levels μ ± α.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="groupSize">Columns per group, or -1.</param>
    /// <param name="alpha">[rows, groups], storable.</param>
    /// <param name="mu">[rows, groups], storable; null for no mean.</param>
    /// <param name="threshold">[rows, groups], where the levels part; null: at μ.</param>
    /// <param name="onThreshold">What becomes of weights on the threshold.</param>
    /// <param name="format">How scales are stored.</param>
    public SignColumnQuantizer(int rows, int columns, int groupSize, float[] alpha, float[]? mu, float[]? threshold, OnThreshold onThreshold, ScaleFormat format)
    {
        signs = new LaneBits(rows, columns);
        this.alpha = alpha;
        this.mu = mu ?? new float[alpha.Length];
        hasMean = mu is not null;
        this.onThreshold = onThreshold;
        this.format = format;
        this.groupSize = ColumnRange.WidthOf(columns, groupSize);
        groups = ColumnRange.CountOf(columns, groupSize);
        lower = InLanes([.. this.mu.Zip(alpha, (m, a) => m - a)]);
        middle = InLanes(this.mu);
        upper = InLanes([.. this.mu.Zip(alpha, (m, a) => m + a)]);
        this.threshold = threshold is null ? middle : InLanes(threshold);

        float[] InLanes(float[] ofRows)
        {
            int tiles = (rows + Lanes - 1) / Lanes;
            var lanes = new float[tiles * groups * Lanes];
            for (int t = 0; t < tiles; t++) RowTile.Load(new MatrixView<float>(ofRows, rows, groups), t * Lanes, lanes.AsSpan(t * groups * Lanes, groups * Lanes));
            return lanes;
        }
    }

    /// <inheritdoc/>
    public void Quantize(RowLanes rows, int column, ReadOnlySpan<float> w, Span<float> q)
    {
        int at = ((rows.FirstRow / Lanes * groups) + (column / groupSize)) * Lanes;
        Vector512<float> side = Vector512.Create(w) - Vector512.Create(threshold, at);
        Vector512<float> isLower = onThreshold == OnThreshold.Lower ? Vector512.LessThanOrEqual(side, Vector512<float>.Zero) : Vector512.LessThan(side, Vector512<float>.Zero);
        Vector512<float> level = Vector512.ConditionalSelect(isLower, Vector512.Create(lower, at), Vector512.Create(upper, at));
        if (onThreshold == OnThreshold.Middle)
            level = Vector512.ConditionalSelect(Vector512.Equals(side, Vector512<float>.Zero), Vector512.Create(middle, at), level);
        Vector512.ConditionalSelect(rows.AsVector(), level, Vector512.Create<float>(q)).CopyTo(q);
        signs[rows.FirstRow, column] |= (ushort)(rows.Mask & ~(uint)isLower.ExtractMostSignificantBits());
    }

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new SignMatrix(signs.ToMatrix(), groupSize, alpha, hasMean ? mu : null, format);
}
