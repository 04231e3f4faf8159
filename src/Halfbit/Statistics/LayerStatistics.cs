using Halfbit.Numerics;

namespace Halfbit.Statistics;

/// <summary>What calibration knows about the input of one linear layer. Layers that read the same input share one instance, and so the cost of the factor.</summary>
/// <param name="H">[n, n], undamped Hessian, dead columns as they are.</param>
/// <param name="featureSquaredNorm">[n], Σ x² over tokens ÷ sequences of each input feature; null: taken from the Hessian's diagonal, which is twice that.</param>
public sealed class LayerStatistics(Matrix H, float[]? featureSquaredNorm = null)
{
    private readonly Dictionary<double, HessianFactor> factors = [];

    /// <summary>[n, n], undamped Hessian.</summary>
    public Matrix Hessian { get; } = H;

    /// <summary>[n], Σ x² over tokens ÷ sequences of each input feature.</summary>
    public float[] FeatureSquaredNorm { get; } = featureSquaredNorm ?? HalfDiagonal(H);

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

    private static float[] HalfDiagonal(Matrix H)
    {
        var norm = new float[H.Columns];
        for (int j = 0; j < norm.Length; j++) norm[j] = H[j, j] / 2;
        return norm;
    }
}
