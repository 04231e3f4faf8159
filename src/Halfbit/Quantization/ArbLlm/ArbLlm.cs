using Halfbit.Numerics;
using Halfbit.Quantization.Levels;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>
/// ARB-LLM: Alternating Refined Binarizations for Large Language Models (arXiv 2410.03129): signs in groups, salient columns with a second, residual plane, and levels
/// that are refined in turn until they suit each other.
/// </summary>
/// <remarks>
/// Per block of columns: (1) the groups (<see cref="PartitionSearch"/>), (2) their levels (<see cref="RowRefinement"/>, <see cref="CorrelatedRefinement"/>,
/// <see cref="RowColumnRefinement"/>), (3) rounding to what can be stored and the signs for it (<see cref="SignRules"/>), then error feedback to the blocks after it.
/// Departures of the default form from the released program (all switched off by <see cref="QuantizationVariant.Released"/>): searches compare the error of weights
/// instead of scores w²/d²; each further split is searched on its own error; thresholds are quantiles of the weights that are split, without zeros at others; the salience metric and the weight of the columns are chosen
/// per layer by its weighted error, where a bit counts as a factor of four; signs, groups and levels are refined in turn
/// by what the whole block's error costs, cross terms included (<see cref="LevelMethod"/>), and the error is carried over column by column; sign(0) = +1; divisors have no absolute guard.
/// The released program's searches for ARB-RC and its runs without feedback stop with an error; the released form does what they were meant to.
/// </remarks>
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
        Matrix alive = Matrix.CopyOf(W.View);
        if (factor is not null) DeadColumns.Clear(alive, factor.IsDead);
        if (options.Feedback == BlockFeedback.Columns) return FitLevels(alive, statistics, factor, format);
        ArbTrial[] trials = Trials(hasStatistics: statistics is not null);
        ArbTrial chosen = trials.Length == 1 ? trials[0] : SampledChoice.Best(trials, alive, statistics!.Hessian, Try);
        Matrix Q = Run(alive, chosen, out ArbCodes codes);
        return new LayerResult(codes.ToMatrix(), Q, 1 + SalientShare(codes)) { Salient = SalientMask.Of(W.Rows, codes.IsSalient), Group = codes.Group };

        (Matrix Q, double Price) Try(ArbTrial trial, Matrix rows) => (Run(rows, trial, out ArbCodes written), Price(SalientShare(written)));

        Matrix Run(Matrix rows, ArbTrial trial, out ArbCodes written)
        {
            Matrix quantized = Matrix.CopyOf(rows.View);
            written = new ArbCodes(rows.Rows, rows.Columns, options, format);
            var quantizer = new ArbBlockQuantizer(options, trial, statistics, factor, written);
            ErrorFeedback.PerBlock(quantized, factor?.U, quantizer, ColumnRange.WidthOf(rows.Columns, options.GroupSize), Rule);
            return quantized;
        }
    }

    private LayerResult FitLevels(Matrix W, LayerStatistics? statistics, HessianFactor? factor, ScaleFormat format)
    {
        var shape = new LevelShape
        {
            SalientGroups = options.ColumnGroupBitmap ? options.Partitions + 1 : 1,
            PlainGroups = options.Groups,
            HasMean = options.FitsMeans,
            HasColumnScales = options.Refine == ArbRefinement.ArbRc,
            HasByteScales = options.ScaleBits == 8,
        };
        LevelCodes codes = new LevelMethod(options, shape, options.MostSalient, statistics, factor, format).Quantize(W, keep: null, out Matrix Q);

        // The reference counts from the strongest group of each kind.
        var published = new byte[shape.SalientGroups + shape.PlainGroups];
        for (int s = 0; s < shape.SalientGroups; s++) published[s] = (byte)(shape.SalientGroups - 1 - s);
        for (int p = 0; p < shape.PlainGroups; p++) published[shape.SalientGroups + p] = (byte)(shape.SalientGroups + shape.PlainGroups - 1 - p);
        return LevelResult.Of(codes, Q, published);
    }

    private BlockRule Rule => !options.Compensation ? BlockRule.None : options.Feedback == BlockFeedback.Diagonal ? BlockRule.Diagonal : BlockRule.Exact;

    /// <summary>All ways that the options leave open: the metric, and how much the columns' sensitivities count in searches and fits.</summary>
    private ArbTrial[] Trials(bool hasStatistics)
    {
        SalienceMetric[] metrics = options.Salience == SalienceMetric.Auto ? [SalienceMetric.Hessian, SalienceMetric.Magnitude] : [options.Salience];
        bool isSensitive = hasStatistics && (options.Search == SearchObjective.Weights || options.Fit == LevelFit.Sensitivity);
        double[] powers = isSensitive ? [ColumnSensitivity.UsualPower, 0] : [0];
        return [.. metrics.SelectMany(m => powers.Select(p => new ArbTrial(m, p)))];
    }

    /// <summary>An error counts four times as much for every bit per weight: about what a bit is worth. With the column-group bitmap salient weights cost one bit more than others, without it none.</summary>
    private double Price(double salientShare) => options.ColumnGroupBitmap ? Math.Pow(4, salientShare) : 1;

    private static double SalientShare(ArbCodes codes) => (double)codes.IsSalient.Count(s => s) / codes.IsSalient.Length;

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
