using System.Numerics;

namespace Halfbit.Training;

/// <summary>
/// Bi-Real Net's piecewise polynomial: F(u) = 2u + u² on [−1, 0), 2u − u² on [0, 1), sign(u) elsewhere; F′(u) = 2 − 2|u| for |u| ≤ 1, else 0
/// (Liu et al., arXiv 1808.00278, ApproxSign).
/// </summary>
/// <typeparam name="T">Element type.</typeparam>
internal readonly struct PiecewisePolynomial<T> : ISignEstimator<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public T Surrogate(T u)
    {
        if (T.Abs(u) >= T.One) return T.CopySign(T.One, u);
        return u * (T.One + T.One - T.Abs(u));
    }

    /// <inheritdoc/>
    public T Slope(T u) => T.Max(T.Zero, T.One + T.One - T.Abs(u) - T.Abs(u));
}
