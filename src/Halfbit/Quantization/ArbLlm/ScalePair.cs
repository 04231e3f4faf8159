namespace Halfbit.Quantization.ArbLlm;

/// <summary>Row and column scales of one sign plane: Ŵᵢⱼ = αᵢ·βⱼ·Bᵢⱼ. Either may be negative.</summary>
/// <param name="rows">Rows.</param>
/// <param name="stride">Columns, padded.</param>
internal sealed class ScalePair(int rows, int stride)
{
    /// <summary>[rows], α.</summary>
    public double[] Alpha { get; } = new double[rows];

    /// <summary>[stride], β.</summary>
    public double[] Beta { get; } = new double[stride];
}
