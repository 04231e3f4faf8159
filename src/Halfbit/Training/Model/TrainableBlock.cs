using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>One block of a decoder that can be run backward.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal abstract class TrainableBlock<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The linear layers, in the order in which a forward pass meets them.</summary>
    public abstract IReadOnlyList<LinearUnit<T>> Linears { get; }

    /// <summary>The norms.</summary>
    public abstract IReadOnlyList<NormUnit<T>> Norms { get; }

    /// <summary>Runs the block in place.</summary>
    /// <param name="hidden">[tokens, hidden size]; input on entry, output on return.</param>
    /// <param name="length">Tokens of each sequence.</param>
    /// <param name="tape">Receives what the backward pass needs.</param>
    public abstract void Forward(Matrix<T> hidden, int length, Tape<T> tape);

    /// <summary>Runs the block backward; gradients of parameters are added to.</summary>
    /// <param name="dHidden">[tokens, hidden size]; the gradient of the output on entry, of the input on return.</param>
    /// <param name="length">Tokens of each sequence.</param>
    /// <param name="tape">As the forward pass left it.</param>
    /// <param name="scratch">For gradients of activations, shared by all blocks.</param>
    public abstract void Backward(Matrix<T> dHidden, int length, Tape<T> tape, Tape<T> scratch);
}
