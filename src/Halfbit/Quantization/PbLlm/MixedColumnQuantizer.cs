using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.PbLlm;

/// <summary>Sends salient weights to the high-precision grid and all others to the low-precision code; the statistics of both are fixed before the walk.</summary>
internal sealed class MixedColumnQuantizer(BitMatrix isSalient, IColumnQuantizer high, IColumnQuantizer low) : IColumnQuantizer
{
    private readonly LaneBits salientLanes = LaneBits.Of(isSalient);

    /// <inheritdoc/>
    public void Quantize(RowLanes rows, int column, ReadOnlySpan<float> w, Span<float> q)
    {
        uint salient = rows.Mask & salientLanes[rows.FirstRow, column];
        if (salient != 0) high.Quantize(rows with { Mask = salient }, column, w, q);
        low.Quantize(rows with { Mask = rows.Mask & ~salient }, column, w, q);
    }

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new MixedMatrix(isSalient, high.ToMatrix(), low.ToMatrix());
}
