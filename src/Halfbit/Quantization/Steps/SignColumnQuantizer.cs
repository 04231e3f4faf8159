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
    private readonly BitMatrix signs;
    private readonly float[] alpha;
    private readonly float[] mu;
    private readonly bool hasMean;
    private readonly float[]? threshold;
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
        signs = new BitMatrix(rows, columns);
        this.alpha = alpha;
        this.mu = mu ?? new float[alpha.Length];
        hasMean = mu is not null;
        this.threshold = threshold;
        this.onThreshold = onThreshold;
        this.format = format;
        this.groupSize = ColumnRange.WidthOf(columns, groupSize);
        groups = ColumnRange.CountOf(columns, groupSize);
    }

    /// <inheritdoc/>
    public float Quantize(int row, int column, float w)
    {
        int g = (row * groups) + (column / groupSize);
        float side = w - (threshold is null ? mu[g] : threshold[g]);
        bool isOnThreshold = side == 0;
        bool isUpper = isOnThreshold ? onThreshold != OnThreshold.Lower : SignBit.IsPositive(side);
        if (isUpper) signs[row, column] = true;
        if (isOnThreshold && onThreshold == OnThreshold.Middle) return mu[g];
        return isUpper ? mu[g] + alpha[g] : mu[g] - alpha[g];
    }

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new SignMatrix(signs, groupSize, alpha, hasMean ? mu : null, format);
}
