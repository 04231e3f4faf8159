using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Training;

/// <summary>How the weights that multiply come from the latent parameter of a linear layer, and how their gradient comes back to it.</summary>
/// <remarks>
/// Within one optimizer step the latent parameter is constant and the way back is linear. So the gradients of the multiplied weights may be summed over all parts of the step first,
/// in the parameter's own gradient, and go back once.
/// </remarks>
/// <typeparam name="T">Element type.</typeparam>
internal interface IWeightForm<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Whether <see cref="Forward"/> needs a buffer for its result.</summary>
    bool NeedsBuffer { get; }

    /// <summary>[out, in]; set where the latent value is frozen: the optimizer must neither move it nor let it decay. Null: nowhere.</summary>
    BitMatrix? Frozen { get; }

    /// <summary>The weights that multiply.</summary>
    /// <param name="latent">[out, in], the latent parameter.</param>
    /// <param name="buffer">[out, in], receives the weights; null where none is needed.</param>
    /// <returns>The buffer, or the latent parameter itself.</returns>
    Matrix<T> Forward(Matrix<T> latent, Matrix<T>? buffer);

    /// <summary>Turns the gradient of the multiplied weights into that of the latent parameter, in place. Comes after <see cref="Forward"/> with the same latent values.</summary>
    /// <param name="latent">[out, in].</param>
    /// <param name="gradient">[out, in], summed over all parts of the step.</param>
    void Backward(Matrix<T> latent, Matrix<T> gradient);

    /// <summary>Tells how much of the training is done; before each step.</summary>
    /// <param name="progress">In [0, 1).</param>
    void Advance(double progress)
    {
    }

    /// <summary>Codes and scales of the multiplied weights, for packing; null when the layer stays as it is.</summary>
    /// <param name="latent">[out, in].</param>
    QuantizedMatrix? ToMatrix(Matrix<T> latent);

    /// <summary>What must be kept beside the latent parameter so that a run can go on.</summary>
    /// <param name="name">Name of the parameter.</param>
    IEnumerable<StateTensor> State(string name);
}
