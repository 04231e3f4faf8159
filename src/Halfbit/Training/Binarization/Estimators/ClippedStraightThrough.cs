using System.Numerics;

namespace Halfbit.Training;

/// <summary>
/// The clipped straight-through estimator: F(u) = min(max(u, −1), 1), F′(u) = 1 for |u| ≤ 1, else 0
/// (Courbariaux et al., BNN, arXiv 1602.02830, eq. 4; Rastegari et al., XNOR-Net, arXiv 1603.05279).
/// </summary>
/// <typeparam name="T">Element type.</typeparam>
internal readonly struct ClippedStraightThrough<T> : ISignEstimator<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public T Surrogate(T u) => T.Min(T.Max(u, -T.One), T.One);

    /// <inheritdoc/>
    public T Slope(T u) => T.Abs(u) <= T.One ? T.One : T.Zero;
}
