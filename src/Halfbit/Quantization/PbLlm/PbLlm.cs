using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.PbLlm;

/// <summary>
/// PB-LLM: Partially Binarized Large Language Models (arXiv 2310.00034), post-training form: a small salient share of the weights keeps 8 bits,
/// the rest is binarized, and error feedback lets later columns make up for both.
/// </summary>
/// <remarks>
/// Steps as in the paper and the released program: (1) the high-precision grid of each row, (2) the salient set per column group,
/// (3) the statistics of the low set, (4) the walk over the columns.
/// Departures of the default form from the program (all switched off by <see cref="QuantizationVariant.Released"/>): the levels are least-squares levels
/// of the low weights instead of averages over all positions with zeros at salient ones, and their stretch and weighting are chosen by the error after the walk
/// (<see cref="LowFitSearch"/>); <c>sign</c> means ±α instead of {0, α}; multi-level grids have the right zero point, all their levels, and a range searched
/// for the least error; sign(0) = +1.
/// </remarks>
public sealed class PbLlm : IQuantizationMethod
{
    private readonly PbLlmOptions options;

    /// <summary>PB-LLM with the given options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A fraction or a number of bits out of range.</exception>
    public PbLlm(PbLlmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!(options.LowFraction is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(options), options.LowFraction, "the low fraction must be within [0, 1]");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.SalientBits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.SalientBits, 8);
        if (options.Salience == SalienceMetric.Auto) throw new ArgumentOutOfRangeException(nameof(options), options.Salience, "PB-LLM takes one metric");
        this.options = options;
    }

    /// <inheritdoc/>
    public string Name => "pb-llm";

    /// <inheritdoc/>
    public bool NeedsHessian => options.Compensation || options.Salience == SalienceMetric.Hessian;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Options => OptionText.Of(
        options,
        ("damping", OptionText.Of(options.DampingFraction)),
        ("low-frac", OptionText.Of(options.LowFraction)),
        ("salience", options.Salience == SalienceMetric.Hessian ? "hessian" : "magnitude"),
        ("salient-bits", OptionText.Of(options.SalientBits)),
        ("salient-unit", options.SalientColumns ? "column" : "weight"),
        ("low", PbLlmNames.Of(options.Low)));

    /// <inheritdoc/>
    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        ArgumentNullException.ThrowIfNull(W);
        HessianFactor? factor = NeedsHessian ? Calibrated.Factor(statistics, options) : statistics?.Factor(options.DampingFraction);
        AffineGrid[] highGrid = HighGrid(W, format);                                    // (1) from the original W, dead columns included
        Matrix alive = DeadColumns.ClearedCopy(W, factor?.IsDead);
        BitMatrix isSalient = SalientSet.Choose(alive, factor, options);                // (2)
        var walk = new PartialWalk(alive, isSalient, highGrid, factor, options, format);
        LowFit fit = IsFitSearched && statistics is not null ? LowFitSearch.Find(walk, W, statistics.Hessian) : LowFit.Plain; // (3)
        IColumnQuantizer codes = walk.Run(fit, out Matrix Q);                           // (4)

        double salientShare = (double)isSalient.CountSet() / ((double)W.Rows * W.Columns);
        double nominalBits = (options.SalientBits * salientShare) + (PbLlmNames.NominalBits(options.Low) * (1 - salientShare));
        return new LayerResult(codes.ToMatrix(), Q, nominalBits) { Salient = isSalient };
    }

    /// <summary>The released program fits once; nothing is fitted to pruned or kept weights.</summary>
    private bool IsFitSearched => options.Variant != QuantizationVariant.Released && options.Low is not (LowPrecision.Prune or LowPrecision.None);

    /// <summary>One asymmetric min-max grid per row, over all weights of the row.</summary>
    private AffineGrid[] HighGrid(Matrix W, ScaleFormat format)
    {
        var grids = new AffineGrid[W.Rows];
        RowParallel.For(W.Rows, 64, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                (float lowest, float highest) = RowRange.Of(W.Row(i));
                grids[i] = AffineGrid.FromRange(lowest, highest, 1 << options.SalientBits, format);
            }
        });
        return grids;
    }
}
