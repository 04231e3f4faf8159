namespace Halfbit.Quantization.PbLlm;

/// <summary>What becomes of weights that are not salient.</summary>
public enum LowPrecision
{
    /// <summary>μ ± α: the paper's method.</summary>
    Xnor,

    /// <summary>± α. The released program stores 0 or α instead.</summary>
    Sign,

    /// <summary>Four levels.</summary>
    TwoBit,

    /// <summary>Sixteen levels. The released program has eight.</summary>
    FourBit,

    /// <summary>Zero.</summary>
    Prune,

    /// <summary>Kept in half precision.</summary>
    None,
}

/// <summary>Options of PB-LLM's post-training quantization.</summary>
public sealed record PbLlmOptions : MethodOptions
{
    /// <summary>Share of weights in the low-precision set.</summary>
    /// <value>Fraction in [0, 1]; default 0.9, that is 10 % salient weights.</value>
    public double LowFraction { get; init; } = 0.9;

    /// <summary>What makes a weight salient.</summary>
    /// <value>Default: Hessian, the better one of the paper.</value>
    public SalienceMetric Salience { get; init; } = SalienceMetric.Hessian;

    /// <summary>Whether whole columns are salient, instead of single weights: their positions then cost next to nothing.</summary>
    /// <value>Default: false; true in the strict variant.</value>
    public bool SalientColumns { get; init; }

    /// <summary>Bits of a salient weight.</summary>
    /// <value>2 to 8; default 8, as in the paper.</value>
    public int SalientBits { get; init; } = 8;

    /// <summary>What becomes of the other weights.</summary>
    public LowPrecision Low { get; init; } = LowPrecision.Xnor;
}
