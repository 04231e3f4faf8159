using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Training;

/// <summary>The parameter itself multiplies: Ŵ = W, and its gradient is the gradient of W.</summary>
/// <typeparam name="T">Element type.</typeparam>
internal sealed class PlainWeights<T> : IWeightForm<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public bool NeedsBuffer => false;

    /// <inheritdoc/>
    public BitMatrix? Frozen => null;

    /// <inheritdoc/>
    public Matrix<T> Forward(Matrix<T> latent, Matrix<T>? buffer) => latent;

    /// <inheritdoc/>
    public void Backward(Matrix<T> latent, Matrix<T> gradient)
    {
    }

    /// <inheritdoc/>
    public QuantizedMatrix? ToMatrix(Matrix<T> latent) => null;

    /// <inheritdoc/>
    public IEnumerable<StateTensor> State(string name) => [];
}
