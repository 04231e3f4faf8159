namespace Halfbit.Quantization;

/// <summary>What the searches of a block method compare.</summary>
public enum SearchObjective
{
    /// <summary>The squared error of the binarized scores, as the released programs do.</summary>
    Scores,

    /// <summary>The squared error of the binarized weights, each column weighted by its sensitivity: a power, found per layer, of what its error costs after later columns have made up for it.</summary>
    Weights,
}

/// <summary>How the error of a block reaches the columns after it.</summary>
public enum BlockFeedback
{
    /// <summary>All columns at once, E = (W − Q)/diag(U_bb), as the released programs do.</summary>
    Diagonal,

    /// <summary>All columns at once, E = (W − Q)·U_bb⁻¹: the exact compensation of the block's error.</summary>
    Exact,

    /// <summary>Column by column inside the block too: each weight takes the nearest of its levels when all columns before it have been compensated.</summary>
    Columns,
}

/// <summary>What the levels of a group are fitted to.</summary>
public enum LevelFit
{
    /// <summary>The group's weights, all alike.</summary>
    Plain,

    /// <summary>The group's weights, each column weighted by its sensitivity.</summary>
    Sensitivity,
}

/// <summary>What the methods share that quantize a block of columns as a whole (BiLLM, STBLLM, ARB-LLM). A block is a group: scales live in it.</summary>
public abstract record BlockMethodOptions : MethodOptions
{
    /// <summary>Options with groups of 128 columns, as in the papers.</summary>
    protected BlockMethodOptions()
    {
        GroupSize = 128;
    }

    /// <summary>The metric that chooses salient columns and groups.</summary>
    public SalienceMetric Salience { get; init; } = SalienceMetric.Auto;

    /// <summary>What the searches compare.</summary>
    public SearchObjective Search { get; init; } = SearchObjective.Weights;

    /// <summary>How a block's error is carried over, when <see cref="MethodOptions.Compensation"/> is on.</summary>
    public BlockFeedback Feedback { get; init; } = BlockFeedback.Columns;

    /// <summary>What levels are fitted to.</summary>
    public LevelFit Fit { get; init; } = LevelFit.Sensitivity;

    /// <summary>Whether each group has a mean beside its scales.</summary>
    public bool HasMeans { get; init; }

    /// <summary>Bits of a stored row scale.</summary>
    /// <value>8 or 16; default 8.</value>
    public int ScaleBits { get; init; } = 8;

    /// <summary>Most salient columns of a block.</summary>
    /// <value>≥ 0; the papers' searches stop at 49. Fewer only with <see cref="BlockFeedback.Columns"/>.</value>
    public int MostSalient { get; init; } = 49;

    /// <summary>Groups of the weights outside salient columns.</summary>
    /// <value>1 to 4; another number than the paper's only with <see cref="BlockFeedback.Columns"/>.</value>
    public int Groups { get; init; } = 1;

    /// <summary>The settings of the authors' programs, which the three methods share.</summary>
    /// <param name="options">What is the method's own.</param>
    internal static T AsReleased<T>(T options)
        where T : BlockMethodOptions
        => options with
        {
            Variant = QuantizationVariant.Released,
            Salience = SalienceMetric.Hessian,
            Search = SearchObjective.Scores,
            Feedback = BlockFeedback.Diagonal,
            Fit = LevelFit.Plain,
            HasMeans = true,
            ScaleBits = 16,
        };
}
