using Halfbit.Numerics;

namespace Halfbit.Statistics;

/// <summary>What calibration knows about the input of one linear layer. Layers that read the same input share one instance, and so the cost of the factor.</summary>
/// <param name="H">[n, n], undamped Hessian, dead columns as they are.</param>
public sealed class LayerStatistics(Matrix H)
{
    private readonly Dictionary<double, HessianFactor> factors = [];

    /// <summary>[n, n], undamped Hessian.</summary>
    public Matrix Hessian { get; } = H;

    /// <summary>The damped factor; computed once for each damping.</summary>
    /// <param name="dampingFraction">Share of mean(diag H) added to the diagonal.</param>
    public HessianFactor Factor(double dampingFraction)
    {
        if (!factors.TryGetValue(dampingFraction, out HessianFactor? factor))
        {
            factor = HessianFactor.Create(Hessian, dampingFraction);
            factors.Add(dampingFraction, factor);
        }

        return factor;
    }
}
