namespace Halfbit.Quantization.StbLlm;

/// <summary>What decides which weights of a run are kept.</summary>
public enum ImportanceScore
{
    /// <summary>The paper's Standardized Importance: the two-sided relative magnitude, standardized over the layer, times the norm of the input feature.</summary>
    Standardized,

    /// <summary>The released program's: the two-sided relative magnitude times the square root of that norm (RIA).</summary>
    Relative,

    /// <summary>|w|.</summary>
    Magnitude,
}
