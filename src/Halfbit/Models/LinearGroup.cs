using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>The linear layers of a block that read the same input, so that one set of statistics serves them all.</summary>
/// <param name="Index">Position among the groups of its block, 0-based.</param>
/// <param name="Layers">The layers, at least one.</param>
public sealed record LinearGroup(int Index, IReadOnlyList<LinearLayer> Layers)
{
    /// <summary>Features of the common input.</summary>
    public int InputSize => Layers[0].Columns;
}

/// <summary>Sees the inputs of linear layers while a block runs.</summary>
public interface IInputObserver
{
    /// <summary>Called once per group and forward pass, before the group's layers read <paramref name="X"/>.</summary>
    /// <param name="group">Index of the group in its block.</param>
    /// <param name="X">[rows, in]; valid during the call only.</param>
    void Observe(int group, MatrixView<float> X);
}
