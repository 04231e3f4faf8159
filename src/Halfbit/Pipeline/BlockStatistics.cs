using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Pipeline;

/// <summary>Collects one Hessian per common input of a block's linear layers while calibration sequences run through it.</summary>
internal sealed class BlockStatistics : IInputObserver
{
    private readonly HessianAccumulator?[] accumulators;
    private readonly LayerStatistics?[] finished;

    /// <summary>Nothing seen yet.</summary>
    public BlockStatistics(DecoderBlock block)
    {
        accumulators = [.. block.Groups.Select(g => new HessianAccumulator(g.InputSize))];
        finished = new LayerStatistics?[accumulators.Length];
        Entries = block.Groups.Sum(g => (long)g.InputSize * g.InputSize);
    }

    /// <summary>What an earlier walk has collected, group by group; nobody changes the Hessians.</summary>
    public BlockStatistics(IReadOnlyList<Matrix> hessians)
    {
        accumulators = new HessianAccumulator?[hessians.Count];
        finished = [.. hessians.Select(H => new LayerStatistics(H))];
        Entries = hessians.Sum(H => (long)H.Rows * H.Columns);
    }

    /// <summary>Entries of all Hessians.</summary>
    public long Entries { get; }

    /// <inheritdoc/>
    public void Observe(int group, MatrixView<float> X) => accumulators[group]!.Add(X);

    /// <summary>The statistics of a group; they are given up, so that their memory lives only as long as they are used.</summary>
    public LayerStatistics Take(int group)
    {
        LayerStatistics statistics = finished[group] ?? new LayerStatistics(accumulators[group]!.Finish());
        finished[group] = null;
        accumulators[group] = null;
        return statistics;
    }

    /// <summary>The Hessians of all groups, to be kept.</summary>
    public Matrix[] TakeHessians() => [.. Enumerable.Range(0, finished.Length).Select(group => Take(group).Hessian)];
}
