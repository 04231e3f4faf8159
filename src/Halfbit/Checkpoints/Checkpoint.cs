using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Halfbit.Checkpoints;

/// <summary>A folder in Hugging Face layout: config.json and one safetensors file, or several with an index. Tensors are found by name and stay in the files.</summary>
public sealed class Checkpoint : IDisposable
{
    /// <summary>Name of the only weights file.</summary>
    public const string SingleFileName = "model.safetensors";

    /// <summary>Name of the index of several weights files.</summary>
    public const string IndexFileName = "model.safetensors.index.json";

    /// <summary>Bytes of each tensor that count in a fingerprint; all would cost another pass over the model.</summary>
    private const int FingerprintBytesPerTensor = 4096;

    private readonly List<SafetensorsFile> files = [];
    private readonly Dictionary<string, MappedTensor> byName = new(StringComparer.Ordinal);

    private Checkpoint(string folder)
    {
        Folder = folder;
    }

    /// <summary>The folder, as given.</summary>
    public string Folder { get; }

    /// <summary>Path of config.json.</summary>
    public string ConfigPath => Path.Combine(Folder, "config.json");

    /// <summary>The weights files, in the order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Files => files;

    /// <summary>All tensors, file by file in the order of the headers.</summary>
    public IEnumerable<MappedTensor> Tensors => files.SelectMany(f => f.Tensors);

    /// <summary>Bytes of all weights files.</summary>
    public long ByteCount => files.Sum(f => f.Length);

    /// <summary>Opens and checks a checkpoint's files.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CheckpointException">The folder or a file is missing, damaged, or in a format that is refused (pickle).</exception>
    public static Checkpoint Open(string folder)
    {
        if (!Directory.Exists(folder)) throw new CheckpointException($"{folder}: no such folder; MODEL is a folder in Hugging Face layout (config.json, safetensors, tokenizer files)");
        var checkpoint = new Checkpoint(folder);
        try
        {
            if (!File.Exists(checkpoint.ConfigPath)) throw new CheckpointException($"{checkpoint.ConfigPath}: not found; a model folder needs its config.json");
            checkpoint.OpenFiles();
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name, or null.</summary>
    public MappedTensor? TryFind(string name) => byName.GetValueOrDefault(name);

    /// <summary>The tensor of that name and shape.</summary>
    /// <param name="name">Tensor name.</param>
    /// <param name="shape">Dimensions that config.json implies.</param>
    /// <exception cref="CheckpointException">It is missing, or its shape contradicts the config.</exception>
    public MappedTensor Find(string name, params ReadOnlySpan<long> shape)
    {
        MappedTensor tensor = TryFind(name)
            ?? throw new CheckpointException($"{Folder}: tensor '{name}' is missing, config.json implies it; a shard is missing or the config belongs to another model");
        if (!shape.SequenceEqual([.. tensor.Shape]))
        {
            throw new CheckpointException($"{tensor.FilePath}: tensor '{name}' has shape {tensor.ShapeText}, config.json implies [{string.Join(", ", shape.ToArray())}]; "
                + "the file may belong to another model");
        }

        return tensor;
    }

    /// <summary>SHA-256 over the config and over names, types, shapes and first bytes of all tensors: other weights of the same shapes are another model.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(File.ReadAllBytes(ConfigPath));
        foreach (MappedTensor tensor in Tensors)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{tensor.Name} {tensor.Type} {tensor.ShapeText}\n"));
            hash.AppendData(tensor.Bytes(0, (int)Math.Min(FingerprintBytesPerTensor, tensor.ByteCount)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafetensorsFile file in files) file.Dispose();
    }

    private void OpenFiles()
    {
        string single = Path.Combine(Folder, SingleFileName);
        string index = Path.Combine(Folder, IndexFileName);
        if (File.Exists(index)) OpenShards(index);
        else if (File.Exists(single)) Add(SafetensorsFile.Open(single));
        else throw Missing();
    }

    private CheckpointException Missing()
    {
        string? pickle = Directory.EnumerateFiles(Folder).Select(Path.GetFileName)
            .FirstOrDefault(n => n is not null && (n.StartsWith("pytorch_model", StringComparison.Ordinal) || n.EndsWith(".pt", StringComparison.Ordinal) || n.EndsWith(".pth", StringComparison.Ordinal)));
        return pickle is not null
            ? new CheckpointException($"{Path.Combine(Folder, pickle)}: pickle files can run code when loaded and are refused; convert the model to safetensors (save_pretrained with safe_serialization=True)")
            : new CheckpointException($"{Folder}: neither {SingleFileName} nor {IndexFileName} is there; a model folder needs its weights in safetensors format");
    }

    private void OpenShards(string indexPath)
    {
        var shardOf = ReadIndex(indexPath);
        foreach (string shard in shardOf.Values.Distinct().Order(StringComparer.Ordinal))
        {
            if (shard != Path.GetFileName(shard) || shard.Length == 0)
                throw new CheckpointException($"{indexPath}: weight_map names '{shard}', expected a file name without folders");
            string path = Path.Combine(Folder, shard);
            if (!File.Exists(path)) throw new CheckpointException($"{indexPath}: weight_map names '{shard}', which is not in the folder; fetch the missing shard");
            Add(SafetensorsFile.Open(path));
        }

        foreach ((string name, string shard) in shardOf)
        {
            MappedTensor? tensor = TryFind(name);
            if (tensor is null || Path.GetFileName(tensor.FilePath) != shard)
                throw new CheckpointException($"{indexPath}: weight_map places tensor '{name}' in '{shard}', which does not hold it; the index belongs to other shards");
        }
    }

    private static Dictionary<string, string> ReadIndex(string indexPath)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(indexPath));
            var map = new Dictionary<string, string>(StringComparer.Ordinal);
            if (!document.RootElement.TryGetProperty("weight_map", out JsonElement weightMap) || weightMap.ValueKind != JsonValueKind.Object)
                throw new CheckpointException($"{indexPath}: the field weight_map is missing; the index is damaged");
            foreach (JsonProperty property in weightMap.EnumerateObject())
            {
                if (property.Value.ValueKind != JsonValueKind.String || !map.TryAdd(property.Name, property.Value.GetString() ?? string.Empty))
                    throw new CheckpointException($"{indexPath}: weight_map '{property.Name}' is not one file name; the index is damaged");
            }

            if (map.Count == 0) throw new CheckpointException($"{indexPath}: weight_map names no tensor; the index is damaged");
            return map;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"{indexPath}: not a valid JSON index ({exception.Message.ReplaceLineEndings(" ")})", exception);
        }
    }

    private void Add(SafetensorsFile file)
    {
        files.Add(file);
        foreach (MappedTensor tensor in file.Tensors)
        {
            if (!byName.TryAdd(tensor.Name, tensor))
                throw new CheckpointException($"{file.Path}: tensor '{tensor.Name}' is also in {byName[tensor.Name].FilePath}; the folder mixes two checkpoints");
        }
    }
}
