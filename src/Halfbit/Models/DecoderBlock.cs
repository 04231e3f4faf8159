using System.Numerics.Tensors;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>One block of a decoder: attention and feed-forward part around the residual stream.</summary>
public abstract class DecoderBlock
{
    private readonly IReadOnlyList<MappedTensor> tensors;

    private protected DecoderBlock(int index, IReadOnlyList<LinearGroup> groups, IReadOnlyList<MappedTensor> tensors)
    {
        Index = index;
        Groups = groups;
        Linears = [.. groups.SelectMany(g => g.Layers)];
        this.tensors = tensors;
    }

    /// <summary>0-based.</summary>
    public int Index { get; }

    /// <summary>The linear layers, grouped by common input, in the order in which a forward pass meets them.</summary>
    public IReadOnlyList<LinearGroup> Groups { get; }

    /// <summary>All linear layers, group by group.</summary>
    public IReadOnlyList<LinearLayer> Linears { get; }

    /// <summary>Runs the block in place. Keys and values of segments with a cache are stored; <see cref="SequenceBatch.AdvanceCaches"/> is up to the caller.</summary>
    /// <param name="hidden">[≥ rows, hidden size]; the block's input on entry, its output on return.</param>
    /// <param name="batch">Which rows belong to which sequence.</param>
    /// <param name="observer">Sees the input of each group of linear layers, or null.</param>
    /// <remarks>Not for several threads at once: blocks of a decoder share their workspace.</remarks>
    public abstract void Forward(Matrix hidden, SequenceBatch batch, IInputObserver? observer = null);

    /// <summary>Gives the pages of the block's tensors back to the system; they are read again when touched.</summary>
    public void Release()
    {
        foreach (MappedTensor tensor in tensors) tensor.Release();
    }

    /// <summary>Shows the common input to the observer.</summary>
    private protected void Show(IInputObserver? observer, int group, Matrix X, int rows)
        => observer?.Observe(Groups[group].Index, X.View.RowRange(0, rows));

    /// <summary>hidden ← hidden + addend.</summary>
    private protected static void AddTo(Matrix hidden, Matrix addend, int rows)
        => SteadyLoop.For(rows, Grain.Of(hidden.Columns), (Hidden: hidden, Addend: addend), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) TensorPrimitives.Add(s.Hidden.Row(t), s.Addend.Row(t), s.Hidden.Row(t));
        });
}
