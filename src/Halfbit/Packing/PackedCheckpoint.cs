using System.Buffers.Binary;
using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Packing;

/// <summary>The packed weights of a quantized checkpoint: an ordinary checkpoint folder whose config.json says so and whose linear layers are packed matrices.</summary>
public sealed class PackedCheckpoint
{
    /// <summary>The name under <c>quant_method</c> in <c>quantization_config</c>.</summary>
    public const string QuantMethod = "halfbit";

    /// <summary>The newest number under <c>format_version</c> in <c>quantization_config</c> that this program reads: 1 for coded matrices, 2 where they are laid out to run.</summary>
    public const int FormatVersion = 2;

    /// <summary>What <c>layout</c> says where matrices are laid out to run.</summary>
    internal const string TilesLayout = "tiles";

    /// <summary>The version of folders whose matrices are coded.</summary>
    internal const int CodedVersion = 1;

    private readonly Dictionary<string, PackedTensor> byName = new(StringComparer.Ordinal);

    private PackedCheckpoint(Checkpoint checkpoint)
    {
        foreach (MappedTensor tensor in checkpoint.Tensors)
        {
            if (!IsPacked(tensor)) continue;
            byName.Add(tensor.Name, new PackedTensor(tensor, new PackedMatrix(tensor)));

            // The checksum touched every page; without this, opening a model would look as large as its file.
            tensor.Release();
        }

        Tensors = [.. checkpoint.Tensors.Select(t => byName.GetValueOrDefault(t.Name)).OfType<PackedTensor>()];
    }

    /// <summary>Whether matrices are laid out to run; those that no kernel multiplies are coded even so.</summary>
    public bool IsLaidOut { get; private init; }

    /// <summary>The packed matrices that are coded, in the order of the files.</summary>
    public IReadOnlyList<PackedTensor> Tensors { get; }

    /// <summary>Weights of all these matrices.</summary>
    public long WeightCount => Tensors.Sum(t => (long)t.Matrix.Rows * t.Matrix.Columns);

    /// <summary>Bytes of all these matrices with their header entries.</summary>
    public long ByteCount => Tensors.Sum(t => t.ByteCount);

    /// <summary>Bits per weight of these matrices: 8 · <see cref="ByteCount"/> ÷ <see cref="WeightCount"/>; 0 without any.</summary>
    public double TrueBits => WeightCount == 0 ? 0 : 8.0 * ByteCount / WeightCount;

    /// <summary>Opens the packed weights of a checkpoint, or says that it has none.</summary>
    /// <param name="checkpoint">An open checkpoint; it must stay open.</param>
    /// <returns>Null when config.json has no <c>quantization_config</c>.</returns>
    /// <exception cref="CheckpointException">The checkpoint was quantized by another program or a newer version, or a packed matrix is damaged.</exception>
    public static PackedCheckpoint? TryOpen(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        string path = checkpoint.ConfigPath;
        try
        {
            using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(path));
            if (!IsQuantized(config.RootElement, path)) return null;
            JsonElement quantization = config.RootElement.GetProperty("quantization_config");
            var packed = new PackedCheckpoint(checkpoint) { IsLaidOut = quantization.GetProperty("format_version").GetInt32() > CodedVersion };
            packed.CheckNames(quantization, path);
            return packed;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"{path}: not a valid model config ({exception.Message.ReplaceLineEndings(" ")}); the file is damaged, fetch it again", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read ({exception.Message}); check that the file exists and is readable", exception);
        }
    }

    /// <summary>Whether a config describes a checkpoint that this class opens.</summary>
    /// <param name="config">The root of config.json.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <exception cref="CheckpointException">It was quantized by another program, or by a newer version of this one.</exception>
    public static bool IsQuantized(JsonElement config, string path)
    {
        if (config.ValueKind != JsonValueKind.Object) throw new CheckpointException($"{path}: holds a {config.ValueKind}, expected an object; the file is damaged, fetch it again");
        if (!config.TryGetProperty("quantization_config", out JsonElement quantization) || quantization.ValueKind == JsonValueKind.Null) return false;
        string? method = quantization.ValueKind == JsonValueKind.Object && quantization.TryGetProperty("quant_method", out JsonElement name) && name.ValueKind == JsonValueKind.String
            ? name.GetString()
            : null;
        if (method != QuantMethod)
            throw new CheckpointException($"{path}: quantization_config has quant_method '{method}', expected '{QuantMethod}'; use the original, unquantized checkpoint");
        int version = quantization.TryGetProperty("format_version", out JsonElement number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out int value) ? value : -1;
        if (version > FormatVersion)
            throw new CheckpointException($"{path}: quantization_config has format_version {version}, this program reads {FormatVersion}; update Halfbit or quantize the model with this version");
        if (version < 1)
            throw new CheckpointException($"{path}: quantization_config lacks a format_version of at least 1; the file is damaged, quantize the model again");
        string? layout = version > CodedVersion && quantization.TryGetProperty("layout", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
        if (version > CodedVersion && layout != TilesLayout)
            throw new CheckpointException($"{path}: quantization_config has layout '{layout}', this program reads '{TilesLayout}'; update Halfbit or convert the model with this version");
        return true;
    }

    /// <summary>Whether a tensor looks like a packed matrix: U8, one dimension, and it starts with <c>HBPK</c>.</summary>
    public static bool IsPacked(MappedTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor is { Type: ElementType.U8, Shape.Count: 1, ByteCount: >= BlobHeader.LeastBytes }
            && BinaryPrimitives.ReadUInt32LittleEndian(tensor.Bytes(0, 4)) == BlobHeader.Magic;
    }

    /// <summary>The packed matrix of that name, or null.</summary>
    public PackedTensor? TryFind(string name) => byName.GetValueOrDefault(name);

    /// <summary>The rows behind a tensor of the checkpoint: the packed matrix, or the tensor itself when it is not packed.</summary>
    public IWeightRows Open(MappedTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return byName.TryGetValue(tensor.Name, out PackedTensor? packed) && ReferenceEquals(packed.Tensor, tensor) ? packed.Matrix : tensor;
    }

    /// <summary>The optional list <c>packed</c> names the tensors that must be packed matrices.</summary>
    private void CheckNames(JsonElement quantization, string path)
    {
        if (!quantization.TryGetProperty("packed", out JsonElement names)) return;
        if (names.ValueKind != JsonValueKind.Array) throw new CheckpointException($"{path}: quantization_config.packed is no list of tensor names; the file is damaged, quantize the model again");
        foreach (JsonElement element in names.EnumerateArray())
        {
            string? name = element.ValueKind == JsonValueKind.String ? element.GetString() : null;
            if (name is null || !byName.ContainsKey(name))
                throw new CheckpointException($"{path}: quantization_config.packed names '{name}', which is no packed matrix of this checkpoint; a weights file is damaged or belongs to another model");
        }
    }
}
