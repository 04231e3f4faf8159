using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Pipeline;

/// <summary>Collects one Hessian per common input of a block's linear layers while calibration sequences run through it.</summary>
internal sealed class BlockStatistics(DecoderBlock block) : IInputObserver
{
    private readonly HessianAccumulator?[] accumulators = [.. block.Groups.Select(g => new HessianAccumulator(g.InputSize))];

    /// <inheritdoc/>
    public void Observe(int group, MatrixView<float> X) => accumulators[group]!.Add(X);

    /// <summary>The statistics of a group; its accumulator is given up, so that its memory lives only as long as they are used.</summary>
    public LayerStatistics Take(int group)
    {
        Matrix H = accumulators[group]!.Finish();
        accumulators[group] = null;
        return new LayerStatistics(H);
    }
}
