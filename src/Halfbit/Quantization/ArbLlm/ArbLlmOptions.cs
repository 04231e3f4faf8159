namespace Halfbit.Quantization.ArbLlm;

/// <summary>What becomes of a group's levels after residual binarization.</summary>
public enum ArbRefinement
{
    /// <summary>Row and column scales in turn, no means: the paper's ARB-RC.</summary>
    ArbRc,

    /// <summary>Means, scales and signs in turn, then means and scales by the calibration inputs: the paper's ARB-X.</summary>
    ArbX,

    /// <summary>Means, scales and signs in turn: the paper's ARB.</summary>
    Arb,

    /// <summary>Nothing: BiLLM's binarization (braq).</summary>
    None,
}

/// <summary>Options of ARB-LLM.</summary>
public sealed record ArbLlmOptions : BlockMethodOptions
{
    /// <summary>Our form: searches compare the error of weights, errors are carried over exactly, the salience metric is chosen per layer.</summary>
    public ArbLlmOptions()
    {
        Groups = 2;
    }

    /// <summary>What the authors' program does. Its salience metric, refinement, bitmap and partitions may be chosen.</summary>
    public static ArbLlmOptions Released { get; } = AsReleased(new ArbLlmOptions());

    /// <summary>One sign per weight, row scales times column scales; no marks, no residual, no means.</summary>
    public static ArbLlmOptions Strict { get; } = new() { Variant = QuantizationVariant.Strict, Groups = 1, MostSalient = 0, ColumnGroupBitmap = false };

    /// <summary>The refinement.</summary>
    /// <value>Default: ARB-RC, the paper's best.</value>
    public ArbRefinement Refine { get; init; }

    /// <summary>Whether salient columns are split into groups as well (the paper's CGB).</summary>
    /// <value>Default: on, as in the authors' commands.</value>
    public bool ColumnGroupBitmap { get; init; } = true;

    /// <summary>Splits of each kind of column: n splits make n + 1 groups.</summary>
    /// <value>1 to 3; default 1.</value>
    public int Partitions { get; init; } = 1;

    /// <summary>Rounds of each alternation.</summary>
    /// <value>≥ 0; default 15, as in the authors' program.</value>
    public int Iterations { get; init; } = 15;

    /// <summary>Whether groups have means: never with column scales.</summary>
    internal bool FitsMeans => HasMeans && Refine != ArbRefinement.ArbRc;

    /// <summary>Throws when options contradict each other.</summary>
    /// <exception cref="OptionException">They do.</exception>
    internal void Check()
    {
        if (Variant != QuantizationVariant.Released) return;
        if (Refine == ArbRefinement.None && ColumnGroupBitmap)
            throw new OptionException("the authors' program stops at --refine none with a column-group bitmap; give --column-group-bitmap off, or leave out --variant released");
    }
}
