using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Pipeline;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Training;

/// <summary>Packs a trained linear layer.</summary>
internal static class TrainedLayer
{
    private const int SalientBits = 8;

    /// <summary>Bits and record of a layer.</summary>
    /// <param name="layer">The original layer.</param>
    /// <param name="trained">What became of it.</param>
    public static PackedLayer Pack(LinearLayer layer, LinearUnit<float> trained)
    {
        QuantizedMatrix quantized = trained.Form!.ToMatrix(trained.Weight.Value)!;
        byte[] blob = Packer.Pack(quantized);
        Matrix W = Matrix.Expand(layer.Weights);
        double weights = (double)W.Rows * W.Columns;
        double error = WeightedError.MeanSquared(W, Matrix.Expand(quantized)) * weights;
        double size = WeightedError.MeanSquared(W, new Matrix(W.Rows, W.Columns)) * weights;
        double salient = trained.Form.Frozen is BitMatrix mask ? mask.CountSet() / weights : 0;
        return new PackedLayer(layer, blob, new LayerRecord(layer.Name, W.Rows, W.Columns, 1 - salient + (SalientBits * salient), blob.Length, error, size > 0 ? error / size : 0, 0));
    }
}
