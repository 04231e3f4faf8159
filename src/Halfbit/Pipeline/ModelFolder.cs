using Halfbit.Checkpoints;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Packing;

namespace Halfbit.Pipeline;

/// <summary>A model ready to run, from a folder in Hugging Face layout: an original one, a packed one, or one laid out to run.</summary>
public sealed class ModelFolder : IDisposable
{
    private ModelFolder(Checkpoint checkpoint, PackedCheckpoint? packed, Decoder decoder)
    {
        Checkpoint = checkpoint;
        Packed = packed;
        Decoder = decoder;
    }

    /// <summary>The files.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>The packed weights; null for an original model.</summary>
    public PackedCheckpoint? Packed { get; }

    /// <summary>The model.</summary>
    public Decoder Decoder { get; }

    /// <summary>Bits per weight of the blocks' linear layers: every byte stored for them, their entries in the files' headers included.</summary>
    public double TrueBits
    {
        get
        {
            IEnumerable<LinearLayer> linears = Decoder.Blocks.SelectMany(b => b.Linears);
            long weights = linears.Sum(l => (long)l.Rows * l.Columns);
            return 8.0 * linears.Sum(l => Checkpoint.TryFind(l.Name + ".weight")?.StoredBytes ?? 0) / weights;
        }
    }

    /// <summary>Opens a folder.</summary>
    /// <param name="folder">Path.</param>
    /// <param name="precision">Packed weights are multiplied as they are, with activations of this precision; null: they are expanded, tile by tile, and multiplied in single precision; those laid out to run are multiplied exactly.</param>
    /// <exception cref="CheckpointException">A file is missing, damaged, of an unknown architecture, or quantized by another tool.</exception>
    public static ModelFolder Open(string folder, ActivationPrecision? precision = null)
    {
        Checkpoint checkpoint = Checkpoint.Open(folder);
        try
        {
            PackedCheckpoint? packed = PackedCheckpoint.TryOpen(checkpoint);
            Dictionary<string, TiledMatrix> tiles = packed is null || precision is null ? [] : LayOut(packed, precision.Value);
            Decoder decoder = Decoder.Open(checkpoint, packed is null ? null : (name, _, _) => WeightsOf(checkpoint, packed, tiles, name, precision));
            return new ModelFolder(checkpoint, packed, decoder);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The kernel forms of all matrices that are coded and have one.</summary>
    private static Dictionary<string, TiledMatrix> LayOut(PackedCheckpoint packed, ActivationPrecision precision)
    {
        var tiles = new Dictionary<string, TiledMatrix>(StringComparer.Ordinal);
        foreach ((PackedTensor tensor, TiledMatrix? tiled) in packed.Tensors.Zip(LayingOut.Of([.. packed.Tensors.Select(t => t.Matrix)], precision)))
        {
            if (tiled is null) continue;
            tiles.Add(tensor.Name, tiled);
            tensor.Tensor.Release();
        }

        return tiles;
    }

    private static IWeightRows? WeightsOf(Checkpoint checkpoint, PackedCheckpoint packed, Dictionary<string, TiledMatrix> tiles, string name, ActivationPrecision? precision)
    {
        if (tiles.TryGetValue(name, out TiledMatrix? tiled)) return tiled;
        if (packed.TryFind(name) is PackedTensor coded) return coded.Matrix;
        return checkpoint.TryFind(name) is MappedTensor other && TiledMatrix.IsTiles(other) ? TiledMatrix.Open(other, precision ?? ActivationPrecision.Exact) : null;
    }

    /// <inheritdoc/>
    public void Dispose() => Checkpoint.Dispose();
}
