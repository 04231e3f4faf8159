using Halfbit.Statistics;

namespace Halfbit.Quantization;

/// <summary>Access to statistics that a method's options require.</summary>
internal static class Calibrated
{
    /// <summary>The damped Hessian factor.</summary>
    /// <exception cref="ArgumentNullException">There are no statistics.</exception>
    public static HessianFactor Factor(LayerStatistics? statistics, MethodOptions options)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        return statistics.Factor(options.DampingFraction);
    }
}
