namespace Halfbit.Quantization;

/// <summary>How much a weight matters.</summary>
public enum SalienceMetric
{
    /// <summary>w²/d_j² with d_j = U_jj: what removing the weight costs when the columns after it make up for it.</summary>
    Hessian,

    /// <summary>|w|.</summary>
    Magnitude,

    /// <summary>Whichever of the two gives the layer the lower weighted error.</summary>
    Auto,
}
