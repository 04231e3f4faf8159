using Halfbit.Numerics;
using Halfbit.Quantization.Levels;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.BiLlm;

/// <summary>
/// BiLLM: Pushing the Limit of Post-Training Quantization for LLMs (arXiv 2402.04291): a few salient columns of each block get two sign planes,
/// the other weights one, in two groups parted by magnitude.
/// </summary>
/// <remarks>
/// Per block of columns: (1) the salient columns, (2) the break point of the others, (3) levels and signs of all three groups, then error feedback to the blocks after it.
/// Departures of the default form from the released program (all switched off by <see cref="QuantizationVariant.Released"/>, most by an option each): searches minimise the
/// error of the weights, each column counted by its sensitivity, where the program minimises that of the scores w²/d², which leads it to the last candidate threshold every time;
/// groups, signs and levels are fitted to each other while errors are carried over column by column (<see cref="LevelMethod"/>), so a group is no longer one side of a threshold;
/// the salience metric is chosen per layer by the weighted error of a sample of rows; no means; scales of eight bits; sign(0) = +1.
/// With <see cref="BlockFeedback.Exact"/> or <see cref="BlockFeedback.Diagonal"/> the paper's steps run, on candidate thresholds up to the quantile 0.98 instead of 0.90,
/// without dead columns and without the zeros of salient ones. The program subtracts means, which the paper's formula lacks.
/// </remarks>
public sealed class BiLlm : IQuantizationMethod
{
    /// <summary>The reference's numbers of the groups, by our index: the salient group comes first in the stored form.</summary>
    private static readonly byte[] PublishedGroup = [2, 0, 1, 3, 4];

    private readonly BiLlmOptions options;

    /// <summary>BiLLM with the given options.</summary>
    /// <exception cref="ArgumentException">A combination that does not exist.</exception>
    public BiLlm(BiLlmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.ScaleBits is not (8 or 16)) throw new ArgumentOutOfRangeException(nameof(options), options.ScaleBits, "scales have 8 or 16 bits");
        if (options.Variant == QuantizationVariant.Released
            && options is not { Search: SearchObjective.Scores, Feedback: BlockFeedback.Diagonal, Fit: LevelFit.Plain, HasMeans: true, ScaleBits: 16, Salience: not SalienceMetric.Auto })
            throw new ArgumentException($"the released variant has the settings of {nameof(BiLlmOptions)}.{nameof(BiLlmOptions.Released)}, with either metric", nameof(options));
        this.options = options;
    }

    /// <inheritdoc/>
    public string Name => "billm";

    /// <inheritdoc/>
    public bool NeedsHessian => options.Compensation || options.Salience != SalienceMetric.Magnitude;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Options => BlockOptionText.Of(options);

    /// <inheritdoc/>
    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        ArgumentNullException.ThrowIfNull(W);
        HessianFactor? factor = NeedsHessian ? Calibrated.Factor(statistics, options) : statistics?.Factor(options.DampingFraction);
        Matrix alive = Matrix.CopyOf(W.View);
        if (factor is not null) DeadColumns.Clear(alive, factor.IsDead);
        if (options.Feedback == BlockFeedback.Columns)
        {
            var shape = new LevelShape { SalientGroups = 1, PlainGroups = options.Groups, HasMean = options.HasMeans, HasByteScales = options.ScaleBits == 8 };
            LevelCodes fitted = new LevelMethod(options, shape, options.MostSalient, statistics, factor, format).Quantize(alive, keep: null, out Matrix approximation);
            return LevelResult.Of(fitted, approximation, PublishedGroup);
        }

        BiLlmTrial[] trials = Trials(hasStatistics: statistics is not null);
        BiLlmTrial chosen = trials.Length == 1 ? trials[0] : SampledChoice.Best(trials, alive, statistics!.Hessian, (trial, rows) => Run(rows, trial, out _));
        Matrix Q = Run(alive, chosen, out GroupedCodes codes);

        double salientShare = (double)codes.IsSalient.Count(s => s) / Q.Columns;
        return new LayerResult(codes.ToMatrix(), Q, 1 + salientShare)
        {
            Salient = SalientMask.Of(codes.Rows, codes.IsSalient),
            Group = Array.ConvertAll(codes.GroupOf, g => PublishedGroup[g]),
        };

        Matrix Run(Matrix rows, BiLlmTrial trial, out GroupedCodes written)
        {
            Matrix quantized = Matrix.CopyOf(rows.View);
            written = new GroupedCodes(rows.Rows, rows.Columns, options.GroupSize, [2, 1, 1], salientGroups: 1, options.HasMeans, options.ScaleBits == 8, format);
            var quantizer = new BiLlmBlock(options, trial, statistics, factor, written);
            ErrorFeedback.PerBlock(quantized, factor?.U, quantizer, ColumnRange.WidthOf(rows.Columns, options.GroupSize), Rule);
            return quantized;
        }
    }

    private BlockRule Rule => !options.Compensation ? BlockRule.None : options.Feedback == BlockFeedback.Diagonal ? BlockRule.Diagonal : BlockRule.Exact;

    /// <summary>All ways that the options leave open. Where sensitivities count, both their usual power and none are tried: layers differ in how far their inputs are correlated.</summary>
    private BiLlmTrial[] Trials(bool hasStatistics)
    {
        SalienceMetric[] metrics = options.Salience == SalienceMetric.Auto ? [SalienceMetric.Hessian, SalienceMetric.Magnitude] : [options.Salience];
        bool isSensitive = hasStatistics && (options.Search == SearchObjective.Weights || options.Fit == LevelFit.Sensitivity);
        double[] powers = isSensitive ? [ColumnSensitivity.UsualPower, 0] : [0];
        return [.. metrics.SelectMany(m => powers.Select(p => new BiLlmTrial(m, p)))];
    }
}
