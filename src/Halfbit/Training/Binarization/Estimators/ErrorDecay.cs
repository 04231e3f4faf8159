using System.Numerics;

namespace Halfbit.Training;

/// <summary>
/// IR-Net's error decay estimator: F(u) = k·tanh(t·u), F′(u) = k·t·(1 − tanh²(t·u)), from nearly the identity at the start of training to nearly the sign at its end
/// (Qin et al., arXiv 1909.10788, eqs. 9 to 11).
/// </summary>
/// <remarks>Schedule over the progress p ∈ [0, 1]: t = t₀·(t₁/t₀)ᵖ with t₀ = 0.1 and t₁ = 10; k = max(1/t, 1).</remarks>
/// <typeparam name="T">Element type.</typeparam>
/// <param name="progress">p, share of the training that is done, in [0, 1].</param>
internal readonly struct ErrorDecay<T>(double progress) : ISignEstimator<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const double FirstSteepness = 0.1;
    private const double LastSteepness = 10;

    private readonly T t = T.CreateTruncating(SteepnessAt(progress));
    private readonly T k = T.CreateTruncating(Math.Max(1 / SteepnessAt(progress), 1));

    /// <inheritdoc/>
    public T Surrogate(T u) => k * T.Tanh(t * u);

    /// <inheritdoc/>
    public T Slope(T u)
    {
        T tanh = T.Tanh(t * u);
        return k * t * (T.One - (tanh * tanh));
    }

    /// <summary>t at some progress.</summary>
    public static double SteepnessAt(double progress)
    {
        if (!(progress is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(progress), progress, "progress must be within [0, 1]");
        return FirstSteepness * Math.Pow(LastSteepness / FirstSteepness, progress);
    }
}
