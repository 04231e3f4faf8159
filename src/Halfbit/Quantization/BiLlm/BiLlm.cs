using Halfbit.Numerics;
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
/// Departures of the default form from the released program (all switched off by <see cref="QuantizationVariant.Released"/>; the first four each by an option):
/// both searches minimise the error of the weights, each column counted by what its error costs, where the program minimises that of the scores w²/d²,
/// which leads it to the last candidate threshold every time; levels are fitted with the same weights; the block's error is carried over exactly;
/// the salience metric is chosen per layer by its weighted error; dead columns take no part in searches and fits; thresholds are quantiles of the weights that are
/// parted, without the zeros of salient columns; sign(0) = +1 and each weight takes the nearest of its stored levels. Both forms subtract means, which the paper's formula lacks.
/// </remarks>
public sealed class BiLlm : IQuantizationMethod
{
    /// <summary>The reference's numbers of the groups, by our index: the salient group comes first in the stored form.</summary>
    private static readonly byte[] PublishedGroup = [2, 0, 1];

    private readonly BiLlmOptions options;

    /// <summary>BiLLM with the given options.</summary>
    /// <exception cref="ArgumentException">A combination that does not exist.</exception>
    public BiLlm(BiLlmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.ScaleBits is not (8 or 16)) throw new ArgumentOutOfRangeException(nameof(options), options.ScaleBits, "scales have 8 or 16 bits");
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
        SalienceMetric metric = options.Salience == SalienceMetric.Auto ? SalienceMetric.Hessian : options.Salience;
        return Run(alive, factor, metric, format);
    }

    private LayerResult Run(Matrix W, HessianFactor? factor, SalienceMetric metric, ScaleFormat format)
    {
        Matrix Q = Matrix.CopyOf(W.View);
        var codes = new GroupedCodes(Q.Rows, Q.Columns, options.GroupSize, [2, 1, 1], salientGroups: 1, options.HasMeans, options.ScaleBits == 8, format);
        var quantizer = new BiLlmBlock(options with { Salience = metric }, factor, codes);
        BlockRule rule = !options.Compensation ? BlockRule.None : options.Feedback == BlockFeedback.Diagonal ? BlockRule.Diagonal : BlockRule.Exact;
        ErrorFeedback.PerBlock(Q, factor?.U, quantizer, ColumnRange.WidthOf(Q.Columns, options.GroupSize), rule);

        double salientShare = (double)codes.IsSalient.Count(s => s) / Q.Columns;
        return new LayerResult(codes.ToMatrix(), Q, 1 + salientShare)
        {
            Salient = SalientBits(codes),
            Group = Array.ConvertAll(codes.GroupOf, g => PublishedGroup[g]),
        };
    }

    private static BitMatrix SalientBits(GroupedCodes codes)
    {
        var bits = new BitMatrix(codes.Rows, codes.Columns);
        for (int i = 0; i < codes.Rows; i++)
        {
            for (int j = 0; j < codes.Columns; j++)
            {
                if (codes.IsSalient[j]) bits[i, j] = true;
            }
        }

        return bits;
    }
}
