namespace Halfbit.Quantization.StbLlm;

/// <summary>What decides which weights of a run are kept.</summary>
public enum ImportanceScore
{
    /// <summary>
    /// What leaving a weight out costs beyond what binarizing it costs, after compensation: ω_j·(w² − (w − ŵ)²). Chosen block by block from the compensated weights;
    /// our choice.
    /// </summary>
    Error,

    /// <summary>The paper's Standardized Importance: the two-sided relative magnitude, standardized over the layer, times the norm of the input feature.</summary>
    Standardized,

    /// <summary>The released program's: the two-sided relative magnitude times the square root of that norm (RIA).</summary>
    Relative,

    /// <summary>|w|.</summary>
    Magnitude,
}
