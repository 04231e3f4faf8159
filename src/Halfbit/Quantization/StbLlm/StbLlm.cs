using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.StbLlm;

/// <summary>
/// STBLLM: Breaking the 1-Bit Barrier with Structured Binary LLMs (arXiv 2408.01803): an N:M pattern keeps the more important weights, and what is left is binarized
/// like BiLLM's, in three groups by magnitude and a fourth of salient columns with a residual plane.
/// </summary>
/// <remarks>
/// Steps: (1) importance of every weight; (2) the kept weights of every run; then, block by block with error feedback: (3) salient columns and two thresholds,
/// (4) levels and signs of each group and row.
/// Departures of the default form from the released program (all undone by <see cref="QuantizationVariant.Released"/>): pruned weights stay zero, where the program binarizes them
/// again together with the others; they are pruned inside the feedback, so that later columns make up for them too; the searches compare errors of weights instead of errors of
/// scores; feedback is exact; sign(0) = +1.
/// </remarks>
public sealed class StbLlm : IQuantizationMethod
{
    private readonly StbLlmOptions options;

    /// <summary>STBLLM with the given options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The pattern is not N of M with 1 ≤ N ≤ M ≤ 64.</exception>
    public StbLlm(StbLlmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Keep.N < 1 || options.Keep.N > options.Keep.M || options.Keep.M > NOfM.LargestRun)
            throw new ArgumentOutOfRangeException(nameof(options), options.Keep, $"the pattern must be N:M with 1 ≤ N ≤ M ≤ {NOfM.LargestRun}");
        this.options = options;
    }

    /// <inheritdoc/>
    public string Name => "stbllm";

    /// <inheritdoc/>
    public bool NeedsHessian => options.Compensation || options.Salience != SalienceMetric.Magnitude || options.Importance != ImportanceScore.Magnitude;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Options => OptionText.Of(
        options,
        ("keep", options.Keep.ToString()),
        ("importance", StbLlmNames.Of(options.Importance)),
        ("adaptive", OptionText.Of(options.Adaptive)));

    /// <inheritdoc/>
    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        ArgumentNullException.ThrowIfNull(W);
        HessianFactor? factor = NeedsHessian ? Calibrated.Factor(statistics, options) : statistics?.Factor(options.DampingFraction);
        Matrix scores = Importance.Of(W, statistics?.FeatureSquaredNorm, options.Importance);    // (1)
        BitMatrix keep = KeptSet.Choose(scores, options.Keep);                                   // (2)
        Matrix start = Matrix.CopyOf(W.View);
        if (factor is not null) DeadColumns.Clear(start, factor.IsDead);
        if (options.Variant == QuantizationVariant.Released) Prune(start, keep);
        if (options.Salience != SalienceMetric.Auto) return Binarize(start, keep, factor, statistics, options.Salience, format);

        LayerResult hessian = Binarize(start, keep, factor, statistics, SalienceMetric.Hessian, format);
        LayerResult magnitude = Binarize(start, keep, factor, statistics, SalienceMetric.Magnitude, format);
        Matrix H = statistics!.Hessian;
        return WeightedError.Of(W, magnitude.Approximation, H) < WeightedError.Of(W, hessian.Approximation, H) ? magnitude : hessian;
    }

    private LayerResult Binarize(Matrix start, BitMatrix keep, HessianFactor? factor, LayerStatistics? statistics, SalienceMetric metric, ScaleFormat format)
    {
        bool isReleased = options.Variant == QuantizationVariant.Released;
        Matrix Q = Matrix.CopyOf(start.View);
        var quantizer = new TrisectionQuantizer(Q, isReleased ? null : keep, Sensitivity(factor, statistics), metric, options, format);
        BlockRule rule = !options.Compensation ? BlockRule.None : options.Feedback == BlockFeedback.Diagonal ? BlockRule.Diagonal : BlockRule.Exact;
        ErrorFeedback.PerBlock(Q, factor?.U, quantizer, ColumnRange.WidthOf(Q.Columns, options.GroupSize), rule);  // (3), (4)

        LevelTables tables = quantizer.Tables;
        double salientShare = (double)tables.IsSalient.Count(s => s) / Q.Columns;
        return new LayerResult(tables.ToMatrix(isReleased ? null : keep, options.Keep), Q, options.Keep.Share * (1 + salientShare))
        {
            Salient = tables.SalientMask(),
            Keep = keep,
            Group = tables.Group,
            Fallbacks = [.. quantizer.Blocks.Select((b, index) => (b, index)).Where(b => !b.b.IsSplit).Select(b => $"block {b.index}: magnitudes too alike for three groups; one group")],
        };
    }

    /// <summary>[n], what an error in each column costs: 1/d² when later columns make up for it, else H_jj; null without statistics.</summary>
    private double[]? Sensitivity(HessianFactor? factor, LayerStatistics? statistics)
    {
        if (factor is null) return null;
        var sensitivity = new double[factor.U.Columns];
        for (int j = 0; j < sensitivity.Length; j++)
            sensitivity[j] = factor.IsDead[j] ? 0 : options.Compensation ? 1 / ((double)factor.U[j, j] * factor.U[j, j]) : statistics!.Hessian[j, j];
        return sensitivity;
    }

    private static void Prune(Matrix W, BitMatrix keep)
    {
        for (int i = 0; i < W.Rows; i++)
        {
            Span<float> row = W.Row(i);
            for (int j = 0; j < row.Length; j++)
            {
                if (!keep[i, j]) row[j] = 0f;
            }
        }
    }
}
