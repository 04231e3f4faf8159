using System.Text.Json.Nodes;
using Halfbit.Numerics;
using Halfbit.Quantization.Levels;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.StbLlm;

/// <summary>
/// STBLLM: Breaking the 1-Bit Barrier with Structured Binary LLMs (arXiv 2408.01803): an N:M pattern keeps the more important weights, and what is left is binarized
/// like BiLLM's, in three groups by magnitude and a fourth of salient columns with a residual plane.
/// </summary>
/// <remarks>
/// Steps: (1) the kept weights of every run by their importance; then, block by block with error feedback: (2) salient columns and two thresholds, (3) levels and signs of each
/// group and row.
/// Departures of the default form from the released program (all undone by <see cref="QuantizationVariant.Released"/>; most by an option each): pruned weights stay zero, where
/// the program binarizes them again together with the others; they are pruned inside the feedback, so that later columns make up for them too, and (<see cref="ImportanceScore.Error"/>)
/// chosen there, by what leaving them out costs; groups, signs, levels and kept weights are fitted to each other while errors are carried over column by column
/// (<see cref="LevelMethod"/>); salient columns are searched on the error of the weights, by the better metric of the layer, and need not exist; no means; scales of eight bits;
/// sign(0) = +1; N is even over the model unless <see cref="StbLlmOptions.Adaptive"/> asks for our rule, which keeps the average that was asked for (<see cref="KeepPlan"/>).
/// With <see cref="BlockFeedback.Exact"/> or <see cref="BlockFeedback.Diagonal"/> the paper's trisection runs, levels improved by <see cref="KeptFit"/>.
/// </remarks>
public sealed class StbLlm : IPlannedMethod
{
    /// <summary>The reference's numbers of the groups, by our index.</summary>
    private static readonly byte[] PublishedGroup = [3, 0, 1, 2, 4];

    private readonly StbLlmOptions options;

    /// <summary>STBLLM with the given options.</summary>
    /// <exception cref="ArgumentException">The pattern is not N of M with 1 ≤ N ≤ M ≤ 64, or a combination that does not exist.</exception>
    public StbLlm(StbLlmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Keep.N < 1 || options.Keep.N > options.Keep.M || options.Keep.M > NOfM.LargestRun)
            throw new ArgumentOutOfRangeException(nameof(options), options.Keep, $"the pattern must be N:M with 1 ≤ N ≤ M ≤ {NOfM.LargestRun}");
        if (options.ScaleBits is not (8 or 16)) throw new ArgumentOutOfRangeException(nameof(options), options.ScaleBits, "scales have 8 or 16 bits");
        if (IsReleasedIn(options) && options is not
            { Search: SearchObjective.Scores, Feedback: BlockFeedback.Diagonal, Fit: LevelFit.Plain, HasMeans: true, ScaleBits: 16, Salience: not SalienceMetric.Auto, Importance: ImportanceScore.Relative })
        {
            throw new ArgumentException($"the released variant has the settings of {nameof(StbLlmOptions)}.{nameof(StbLlmOptions.Released)}, with either metric and any pattern", nameof(options));
        }

        this.options = options;
    }

    /// <inheritdoc/>
    public string Name => "stbllm";

    /// <inheritdoc/>
    public bool NeedsHessian => options.Compensation || options.Salience != SalienceMetric.Magnitude || options.Importance != ImportanceScore.Magnitude;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Options => BlockOptionText.Of(
        options,
        ("keep", options.Keep.ToString()),
        ("importance", StbLlmNames.Of(options.Importance)),
        ("adaptive", OptionText.Of(options.Adaptive)));

    /// <inheritdoc/>
    public bool NeedsSurvey => options.Adaptive && options.Keep.N < options.Keep.M;

    /// <inheritdoc/>
    public bool SurveyNeedsHessian => false;

    private BlockRule Rule => !options.Compensation ? BlockRule.None : options.Feedback == BlockFeedback.Diagonal ? BlockRule.Diagonal : BlockRule.Exact;

    /// <inheritdoc/>
    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        ArgumentNullException.ThrowIfNull(W);
        bool isReleased = IsReleasedIn(options);
        HessianFactor? factor = NeedsHessian ? Calibrated.Factor(statistics, options) : statistics?.Factor(options.DampingFraction);
        BitMatrix keep = ChooseKept(W, statistics, factor);                              // (1)
        Matrix alive = Matrix.CopyOf(W.View);
        if (factor is not null) DeadColumns.Clear(alive, factor.IsDead);
        if (options.Feedback == BlockFeedback.Columns) return FitLevels(alive, keep, statistics, factor, format);
        for (int i = 0; isReleased && i < W.Rows; i++) KeptSet.ClearOthers(keep, i, 0, alive.Row(i));

        StbLlmTrial trial = ChooseTrial(alive, keep, statistics, factor, format);
        GroupedCodes codes = Run(alive, keep, trial, statistics, factor, format, out Matrix Q, out IReadOnlyList<string> fallbacks);   // (2), (3)
        double salientShare = (double)codes.IsSalient.Count(s => s) / Q.Columns;
        return new LayerResult(isReleased ? codes.ToMatrix() : codes.ToMatrix(keep, options.Keep), Q, options.Keep.Share * (1 + salientShare))
        {
            Salient = SalientMask.Of(codes.Rows, codes.IsSalient),
            Keep = keep,
            Group = GroupsOf(codes, isReleased ? null : keep),
            Fallbacks = [.. fallbacks, .. CutRuns(W.Columns)],
        };
    }

    /// <inheritdoc/>
    public JsonObject Survey(IReadOnlyList<SurveyedLayer> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        return KeepPlan.Survey(layers);
    }

    /// <inheritdoc/>
    public MethodPlan Plan(IReadOnlyList<JsonObject> surveys)
    {
        ArgumentNullException.ThrowIfNull(surveys);
        Dictionary<string, NOfM> patterns = KeepPlan.Of(surveys, options.Keep, IsReleasedIn(options), out string? fallback);
        return new MethodPlan(patterns.ToDictionary(p => p.Key, p => (IQuantizationMethod)new StbLlm(options with { Keep = p.Value })))
        {
            Fallbacks = fallback is null ? [] : [fallback],
        };
    }

    private LayerResult FitLevels(Matrix W, BitMatrix chosen, LayerStatistics? statistics, HessianFactor? factor, ScaleFormat format)
    {
        var shape = new LevelShape { SalientGroups = 1, PlainGroups = options.Groups, HasMean = options.HasMeans, HasByteScales = options.ScaleBits == 8, Pattern = options.Keep };
        int width = ColumnRange.WidthOf(W.Columns, options.GroupSize);
        bool cutsRuns = width < W.Columns && width % options.Keep.M != 0;
        bool isFree = options.Importance == ImportanceScore.Error && !cutsRuns;
        LevelCodes codes = new LevelMethod(options, shape, options.MostSalient, statistics, factor, format).Quantize(W, isFree ? null : chosen, out Matrix Q);
        string[] fallbacks = options.Importance == ImportanceScore.Error && cutsRuns
            ? [$"runs of {options.Keep.M} columns do not fit groups of {width}; kept weights chosen before the walk"]
            : [];
        return LevelResult.Of(codes, Q, PublishedGroup) with { Fallbacks = [.. fallbacks, .. CutRuns(W.Columns)] };
    }

    /// <summary>Says so when the columns are no multiple of M.</summary>
    private string[] CutRuns(int columns)
    {
        int width = columns % options.Keep.M;
        return width == 0 ? [] : [$"{columns} columns are no multiple of {options.Keep.M}: the last run of a row has {width}, of which {options.Keep.KeptOfRun(columns - width, columns)} are kept"];
    }

    private static bool IsReleasedIn(StbLlmOptions options) => options.Variant == QuantizationVariant.Released;

    /// <summary>The kept weights by importance; with <see cref="ImportanceScore.Error"/> each block chooses again. Inputs that never fire are of no importance.</summary>
    private BitMatrix ChooseKept(Matrix W, LayerStatistics? statistics, HessianFactor? factor)
    {
        Matrix scores = options.Importance == ImportanceScore.Error
            ? Importance.CostOfLeavingOut(W, factor)
            : Importance.Of(W, statistics?.FeatureSquaredNorm, options.Importance);
        for (int i = 0; !IsReleasedIn(options) && factor is not null && i < W.Rows; i++)
        {
            Span<float> row = scores.Row(i);
            for (int j = 0; j < row.Length; j++)
            {
                if (factor.IsDead[j]) row[j] = float.NegativeInfinity;
            }
        }

        return KeptSet.Choose(scores, options.Keep);
    }

    private StbLlmTrial ChooseTrial(Matrix W, BitMatrix keep, LayerStatistics? statistics, HessianFactor? factor, ScaleFormat format)
    {
        SalienceMetric[] metrics = options.Salience == SalienceMetric.Auto ? [SalienceMetric.Hessian, SalienceMetric.Magnitude] : [options.Salience];
        bool isSensitive = statistics is not null && (options.Search == SearchObjective.Weights || options.Fit == LevelFit.Sensitivity);
        double[] powers = isSensitive ? [ColumnSensitivity.UsualPower, 0] : [0];
        StbLlmTrial[] trials = [.. metrics.SelectMany(m => powers.Select(p => new StbLlmTrial(m, p)))];
        if (trials.Length == 1) return trials[0];
        int[] rows = SampledChoice.RowsOf(W.Rows);
        var keepOfSample = new BitMatrix(rows.Length, W.Columns);
        for (int r = 0; r < rows.Length; r++) keep.Row(rows[r]).CopyTo(keepOfSample.Row(r));
        return SampledChoice.Best(trials, W, statistics!.Hessian, (trial, sample) =>
        {
            _ = Run(sample, keepOfSample, trial, statistics, factor, format, out Matrix Q, out _);
            return Q;
        });
    }

    private GroupedCodes Run(
        Matrix W, BitMatrix keep, StbLlmTrial trial, LayerStatistics? statistics, HessianFactor? factor, ScaleFormat format, out Matrix Q, out IReadOnlyList<string> fallbacks)
    {
        Q = Matrix.CopyOf(W.View);
        var codes = new GroupedCodes(W.Rows, W.Columns, options.GroupSize, [2, 1, 1, 1], salientGroups: 1, options.HasMeans, options.ScaleBits == 8, format);
        var quantizer = new StbLlmBlock(options, trial, keep, statistics, factor, format, codes);
        ErrorFeedback.PerBlock(Q, factor?.U, quantizer, ColumnRange.WidthOf(W.Columns, options.GroupSize), Rule);
        fallbacks = quantizer.Undivided.Count == 0 ? [] : [$"magnitudes too alike for three groups in {quantizer.Undivided.Count} of {ColumnRange.CountOf(W.Columns, options.GroupSize)} blocks; one group there"];
        return codes;
    }

    /// <summary>Groups by the reference's numbers; 0 for pruned weights.</summary>
    private static byte[] GroupsOf(GroupedCodes codes, BitMatrix? keep)
    {
        byte[] groups = Array.ConvertAll(codes.GroupOf, g => PublishedGroup[g]);
        for (int k = 0; keep is not null && k < groups.Length; k++)
        {
            if (!keep[k / codes.Columns, k % codes.Columns]) groups[k] = 0;
        }

        return groups;
    }
}
