using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>
/// ARB-LLM: Alternating Refined Binarizations for Large Language Models (arXiv 2410.03129): signs in groups, salient columns with a second, residual plane, and levels
/// that are refined in turn until they suit each other.
/// </summary>
public sealed class ArbLlm : IQuantizationMethod
{
    private const int FewestReleasedColumns = SalientColumnSearch.Most + 1;

    private readonly ArbLlmOptions options;

    /// <summary>ARB-LLM with the given options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number out of range.</exception>
    /// <exception cref="OptionException">Options contradict each other.</exception>
    public ArbLlm(ArbLlmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Partitions, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Partitions, 3);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Iterations);
        if (options.ScaleBits is not (8 or 16)) throw new ArgumentOutOfRangeException(nameof(options), options.ScaleBits, "scales have 8 or 16 bits");
        options.Check();
        this.options = options;
    }

    /// <inheritdoc/>
    public string Name => "arb-llm";

    /// <inheritdoc/>
    public bool NeedsHessian => options.Compensation || options.Salience != SalienceMetric.Magnitude || options.Refine == ArbRefinement.ArbX;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Options => BlockOptionText.Of(
        options,
        ("refine", ArbLlmNames.Of(options.Refine)),
        ("column-group-bitmap", OptionText.Of(options.ColumnGroupBitmap)),
        ("partitions", OptionText.Of(options.Partitions)),
        ("iterations", OptionText.Of(options.Iterations)));

    /// <inheritdoc/>
    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        ArgumentNullException.ThrowIfNull(W);
        HessianFactor? factor = NeedsHessian ? Calibrated.Factor(statistics, options) : statistics?.Factor(options.DampingFraction);
        if (options.Variant == QuantizationVariant.Released) CheckWidths(W.Columns);
        if (options.Salience != SalienceMetric.Auto) return Run(W, statistics, factor, options, format);
        return GroupingTrial.Best(W, statistics!.Hessian, options, (rows, candidate) => Run(rows, statistics, factor, candidate, format));
    }

    private static LayerResult Run(Matrix W, LayerStatistics? statistics, HessianFactor? factor, ArbLlmOptions options, ScaleFormat format)
    {
        Matrix Q = Matrix.CopyOf(W.View);
        if (factor is not null) DeadColumns.Clear(Q, factor.IsDead);
        var codes = new ArbCodes(W.Rows, W.Columns, options, format);
        BlockRule rule = !options.Compensation ? BlockRule.None : options.Feedback == BlockFeedback.Diagonal ? BlockRule.Diagonal : BlockRule.Exact;
        ErrorFeedback.PerBlock(Q, factor?.U, new ArbBlockQuantizer(options, statistics?.Hessian, codes), ColumnRange.WidthOf(W.Columns, options.GroupSize), rule);
        double salientShare = (double)codes.IsSalient.Count(s => s) / W.Columns;
        return new LayerResult(codes.ToMatrix(), Q, 1 + salientShare) { Salient = SalientWeights(W.Rows, codes.IsSalient), Group = codes.Group };
    }

    private static BitMatrix SalientWeights(int rows, bool[] isSalient)
    {
        var salient = new BitMatrix(rows, isSalient.Length);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < isSalient.Length; j++)
            {
                if (isSalient[j]) salient[i, j] = true;
            }
        }

        return salient;
    }

    /// <summary>The released program scores 50 columns of every block.</summary>
    private void CheckWidths(int columns)
    {
        foreach (ColumnRange block in ColumnRange.Split(columns, options.GroupSize))
        {
            if (block.Count < FewestReleasedColumns)
            {
                throw new NumericsException(
                    $"the block of columns {block.Start} to {block.End - 1} has {block.Count} columns; the released arb-llm needs at least {FewestReleasedColumns} in every block. Choose another --group-size, or the default variant");
            }
        }
    }
}
