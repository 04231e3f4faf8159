using System.Diagnostics;
using System.Numerics.Tensors;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Pipeline;

/// <summary>A quantized layer: its bits and its record.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Blob">The packed matrix.</param>
/// <param name="Record">What became of it.</param>
internal sealed record PackedLayer(LinearLayer Layer, byte[] Blob, LayerRecord Record);

/// <summary>Quantizes the linear layers of one block and puts the packed weights in their place, one layer's weights in memory at a time.</summary>
internal static class BlockQuantizer
{
    /// <summary>Quantizes all layers, group by group, in the order of a forward pass.</summary>
    /// <param name="block">The block, original weights in place; packed ones on return.</param>
    /// <param name="statistics">Hessians of the block's inputs, or null without a calibration.</param>
    /// <param name="method">The job's method.</param>
    /// <param name="plan">Which layers get another one.</param>
    /// <param name="done">Called after each layer.</param>
    /// <param name="cancellation">Checked before each layer.</param>
    public static List<PackedLayer> Quantize(DecoderBlock block, BlockStatistics? statistics, IQuantizationMethod method, MethodPlan? plan, Action<PackedLayer, int> done, CancellationToken cancellation)
    {
        var packed = new List<PackedLayer>();
        foreach (LinearGroup group in block.Groups)
        {
            LayerStatistics? inputs = statistics?.Take(group.Index);
            foreach (LinearLayer layer in group.Layers)
            {
                cancellation.ThrowIfCancellationRequested();
                IQuantizationMethod ofLayer = plan is not null && plan.Methods.TryGetValue(layer.Name, out IQuantizationMethod? planned) ? planned : method;
                PackedLayer result = Quantize(layer, inputs, ofLayer);
                result = result with { Record = result.Record with { Options = Differing(ofLayer.Options, method.Options) } };
                packed.Add(result);
                done(result, packed.Count);
                LargeGarbage.Collect((long)layer.Rows * layer.Columns);
            }

            inputs = null;
            LargeGarbage.Collect((long)group.InputSize * group.InputSize);
        }

        return packed;
    }

    private static PackedLayer Quantize(LinearLayer layer, LayerStatistics? inputs, IQuantizationMethod method)
    {
        var watch = Stopwatch.StartNew();
        Matrix W = Matrix.Expand(layer.Weights);
        string file = layer.Weights is MappedTensor tensor ? tensor.FilePath + ": " : string.Empty;
        Finite.Check(W, $"{file}tensor '{layer.Name}.weight'");
        LayerResult result;
        try
        {
            result = method.Quantize(W, inputs, ScaleFormat.HalfFor(LargestMagnitude(W)));
        }
        catch (NumericsException exception)
        {
            throw new NumericsException($"{layer.Name}: {exception.Message}", exception);
        }

        byte[] blob = Packer.Pack(result.Quantized);
        layer.Weights = new PackedMatrix(blob, layer.Name);
        double seconds = watch.Elapsed.TotalSeconds;
        Matrix H = inputs?.Hessian ?? new Matrix(0, 0);
        double error = inputs is null ? SquaredError(W, result.Quantized) : WeightedError.Of(W, result.Quantized, H);
        double reference = inputs is null ? SquaredError(W, null) : WeightedError.Of(W, null, H);
        double relative = reference > 0 ? error / reference : 0;
        return new PackedLayer(layer, blob, new LayerRecord(layer.Name, W.Rows, W.Columns, result.NominalBits, blob.Length, error, relative, seconds) { Fallbacks = result.Fallbacks });
    }

    private static Dictionary<string, string> Differing(IReadOnlyDictionary<string, string> options, IReadOnlyDictionary<string, string> ofJob)
        => options.Where(o => !ofJob.TryGetValue(o.Key, out string? value) || value != o.Value).ToDictionary();

    private static float LargestMagnitude(Matrix W)
        => MathF.Abs(TensorPrimitives.MaxMagnitude<float>(W.Data));

    private static double SquaredError(Matrix W, IWeightRows? Q)
    {
        Matrix approximation = Q is null ? new Matrix(W.Rows, W.Columns) : Matrix.Expand(Q);
        return WeightedError.MeanSquared(W, approximation) * W.Rows * W.Columns;
    }
}
