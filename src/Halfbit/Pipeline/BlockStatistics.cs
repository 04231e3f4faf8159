using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Pipeline;

/// <summary>Collects one Hessian per common input of a block's linear layers while calibration sequences run through it.</summary>
/// <param name="block">The block.</param>
/// <param name="onlyGroup">The group to look at; null: all.</param>
internal sealed class BlockStatistics(DecoderBlock block, int? onlyGroup = null) : IInputObserver
{
    private readonly HessianAccumulator?[] accumulators = [.. block.Groups.Select(g => onlyGroup is null || onlyGroup == g.Index ? new HessianAccumulator(g.InputSize) : null)];

    /// <inheritdoc/>
    public void Observe(int group, MatrixView<float> X) => accumulators[group]?.Add(X);

    /// <summary>The statistics of a group; its accumulator is given up, so that its memory lives only as long as they are used.</summary>
    public LayerStatistics Take(int group)
    {
        Matrix H = accumulators[group]!.Finish();
        accumulators[group] = null;
        return new LayerStatistics(H);
    }
}
