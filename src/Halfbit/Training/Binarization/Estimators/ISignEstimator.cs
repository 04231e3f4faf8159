using System.Numerics;

namespace Halfbit.Training;

/// <summary>
/// How the gradient passes a sign. Forward is always sign(u); backward is the derivative of a surrogate F that looks like the sign: dL/du = F′(u)·dL/d sign(u).
/// </summary>
/// <typeparam name="T">Element type.</typeparam>
internal interface ISignEstimator<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>F(u), the function that stands in for the sign.</summary>
    T Surrogate(T u);

    /// <summary>F′(u).</summary>
    T Slope(T u);
}
