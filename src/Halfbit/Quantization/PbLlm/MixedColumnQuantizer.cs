using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.PbLlm;

/// <summary>Sends salient weights to the high-precision grid and all others to the low-precision code; the statistics of both are fixed before the walk.</summary>
internal sealed class MixedColumnQuantizer(BitMatrix isSalient, IColumnQuantizer high, IColumnQuantizer low) : IColumnQuantizer
{
    /// <inheritdoc/>
    public float Quantize(int row, int column, float w)
        => isSalient[row, column] ? high.Quantize(row, column, w) : low.Quantize(row, column, w);

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new MixedMatrix(isSalient, high.ToMatrix(), low.ToMatrix());
}
