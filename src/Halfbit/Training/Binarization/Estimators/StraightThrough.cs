using System.Numerics;

namespace Halfbit.Training;

/// <summary>The straight-through estimator: F(u) = u, F′(u) = 1 (Bengio, Léonard and Courville, arXiv 1308.3432).</summary>
/// <typeparam name="T">Element type.</typeparam>
internal readonly struct StraightThrough<T> : ISignEstimator<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public T Surrogate(T u) => u;

    /// <inheritdoc/>
    public T Slope(T u) => T.One;
}
