using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.RoundToNearest;

/// <summary>Min-max grids per row and group: plain rounding (RTN), or with GPTQ's error feedback (arXiv 2210.17323).</summary>
/// <remarks>
/// Departures from the released GPTQ program: a group's grid is fitted to weights that carry all compensation so far, inside a block too
/// (the program uses stale weights for groups smaller than its block; <see cref="QuantizationVariant.Released"/> does the same);
/// a symmetric grid covers ±max|w| for rows of one sign too; no activation order.
/// </remarks>
public sealed class RoundToNearest : IQuantizationMethod
{
    private readonly RoundToNearestOptions options;

    /// <summary>RTN or, with compensation, GPTQ.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Bits outside 1 to 8.</exception>
    public RoundToNearest(RoundToNearestOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Bits, 8);
        this.options = options;
    }

    /// <inheritdoc/>
    public string Name => options.Compensation ? "gptq" : "rtn";

    /// <inheritdoc/>
    public bool NeedsHessian => options.Compensation;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Options
    {
        get
        {
            (string, string)[] own = [("bits", OptionText.Of(options.Bits)), ("symmetric", OptionText.Of(options.Symmetric))];
            return options.Variant == QuantizationVariant.Released
                ? OptionText.Of(options, [.. own, ("block-size", OptionText.Of(options.BlockSize))]) // part of the result there
                : OptionText.Of(options, own);
        }
    }

    /// <inheritdoc/>
    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        ArgumentNullException.ThrowIfNull(W);
        Matrix Q = Matrix.CopyOf(W.View);
        var grid = new GridColumnQuantizer(W.Rows, W.Columns, options.Bits, options.GroupSize, options.Symmetric, format, RefitWidth(W.Columns));
        if (options.Compensation)
        {
            HessianFactor factor = Calibrated.Factor(statistics, options);
            DeadColumns.Clear(Q, factor.IsDead);
            ErrorFeedback.PerColumn(Q, factor.U, grid, options.BlockSize);
        }
        else
        {
            ErrorFeedback.None(Q, grid);
        }

        return new LayerResult(grid.ToMatrix(), Q, options.Bits);
    }

    /// <summary>The released program fits all groups of a block at its first column when they are narrower than the block.</summary>
    private int RefitWidth(int columns)
    {
        int groupSize = ColumnRange.WidthOf(columns, options.GroupSize);
        bool isStale = options.Variant == QuantizationVariant.Released && options.Compensation
            && options.BlockSize > groupSize && options.BlockSize % groupSize == 0;
        return isStale ? options.BlockSize : 0;
    }
}
