using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Packing;

namespace Halfbit.Pipeline;

/// <summary>A model ready to run, from a folder in Hugging Face layout: an original one, or a packed one.</summary>
public sealed class ModelFolder : IDisposable
{
    private ModelFolder(Checkpoint checkpoint, Decoder decoder, bool isPacked)
    {
        Checkpoint = checkpoint;
        Decoder = decoder;
        IsPacked = isPacked;
    }

    /// <summary>The files.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>The model.</summary>
    public Decoder Decoder { get; }

    /// <summary>Whether the weights of linear layers are packed.</summary>
    public bool IsPacked { get; }

    /// <summary>Bits per weight of the blocks' linear layers: every byte stored for them, their entries in the files' headers included.</summary>
    public double TrueBits
    {
        get
        {
            long bytes = 0;
            long weights = 0;
            foreach (LinearLayer layer in Decoder.Blocks.SelectMany(b => b.Linears))
            {
                MappedTensor tensor = Checkpoint.TryFind(layer.Name + ".weight")!;
                bytes += tensor.ByteCount + tensor.HeaderBytes;
                weights += (long)layer.Rows * layer.Columns;
            }

            return 8.0 * bytes / weights;
        }
    }

    /// <summary>Opens a folder.</summary>
    /// <param name="folder">Path.</param>
    /// <exception cref="CheckpointException">A file is missing, damaged, of an unknown architecture, or quantized by another tool.</exception>
    public static ModelFolder Open(string folder)
    {
        Checkpoint checkpoint = Checkpoint.Open(folder);
        try
        {
            ModelConfig config = ModelConfig.Read(checkpoint.ConfigPath);
            bool isPacked = config.QuantizationConfig is JsonElement quantization && CheckFormat(checkpoint, quantization);
            Decoder decoder = Decoder.Open(checkpoint, isPacked ? (name, _, _) => Packed(checkpoint, name) : null);
            return new ModelFolder(checkpoint, decoder, isPacked);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Checkpoint.Dispose();

    private static PackedMatrix? Packed(Checkpoint checkpoint, string name)
        => checkpoint.TryFind(name) is { Type: ElementType.U8 } tensor ? new PackedMatrix(tensor) : null;

    private static bool CheckFormat(Checkpoint checkpoint, JsonElement quantization)
    {
        string method = quantization.TryGetProperty("quant_method", out JsonElement name) && name.ValueKind == JsonValueKind.String ? name.GetString()! : "unknown";
        if (method != "halfbit")
            throw new CheckpointException($"{checkpoint.ConfigPath}: quantization_config.quant_method is '{method}', expected 'halfbit'; this model was quantized by another tool, use the original one");
        int version = quantization.TryGetProperty("format_version", out JsonElement number) && number.TryGetInt32(out int value) ? value : 0;
        if (version != 1)
            throw new CheckpointException($"{checkpoint.ConfigPath}: quantization_config.format_version is {version}, this program reads version 1; use a newer halfbit, or quantize the model again");
        return true;
    }
}
