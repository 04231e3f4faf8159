using System.Collections.ObjectModel;
using System.Globalization;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Packing;

namespace Halfbit.Pipeline;

/// <summary>The packed checkpoint under way: one file for everything outside the blocks, then one file per block, then index, config and records.</summary>
internal sealed class PackedOutput : IDisposable
{
    private readonly string folder;
    private readonly string workFolder;
    private readonly Checkpoint source;
    private readonly Decoder decoder;
    private readonly List<SafetensorsFile> blockFiles = [];
    private readonly List<LayerRecord> layers = [];

    public PackedOutput(string folder, string workFolder, Checkpoint source, Decoder decoder)
    {
        this.folder = folder;
        this.workFolder = workFolder;
        this.source = source;
        this.decoder = decoder;
    }

    /// <summary>Tensors that are stored with other values than the source's, in single precision; by name.</summary>
    public IReadOnlyDictionary<string, Matrix<float>> Replaced { get; init; } = ReadOnlyDictionary<string, Matrix<float>>.Empty;

    /// <summary>Records of all layers of finished blocks, in order.</summary>
    public IReadOnlyList<LayerRecord> Layers => layers;

    /// <summary>Copies all tensors that belong to no block, as they are.</summary>
    public void WriteOutside()
    {
        string path = ShardPath(0);
        if (File.Exists(path)) return;
        string[] prefixes = [.. decoder.Blocks.Select(PrefixOf)];
        Copy(path, [.. source.Tensors.Where(t => !Array.Exists(prefixes, p => t.Name.StartsWith(p, StringComparison.Ordinal)))]);
    }

    /// <summary>Stores a block: packed weights for its linear layers, its other tensors as they are. Then the block runs from the stored file.</summary>
    public void WriteBlock(DecoderBlock block, IReadOnlyList<PackedLayer> packed)
    {
        MappedTensor[] others = [.. source.Tensors.Where(t =>
            t.Name.StartsWith(PrefixOf(block), StringComparison.Ordinal) && !packed.Any(p => p.Layer.Name + ".weight" == t.Name))];
        var declarations = packed.Select(p => PackedTensor.Declare(p.Layer.Name + ".weight", p.Blob))
            .Concat(others.Select(Declare));
        JobRecord.WriteBlock(RecordPath(block), packed.Select(p => p.Record));
        using (var writer = new SafetensorsWriter(ShardPath(block.Index + 1), [.. declarations], ModelFiles.Metadata))
        {
            foreach (PackedLayer layer in packed) writer.Write(layer.Blob);
            foreach (MappedTensor tensor in others) Write(writer, tensor);
            writer.Complete();
        }

        if (!TryLoadBlock(block)) throw new IOException($"{ShardPath(block.Index + 1)}: the file just written is gone");
    }

    /// <summary>Puts the packed weights of a finished block in place.</summary>
    /// <returns>False when the block is not finished.</returns>
    public bool TryLoadBlock(DecoderBlock block)
    {
        string path = ShardPath(block.Index + 1);
        if (!File.Exists(path) || !File.Exists(RecordPath(block))) return false;
        SafetensorsFile file = SafetensorsFile.Open(path);
        blockFiles.Add(file);
        foreach (LayerRecord record in JobRecord.ReadBlock(RecordPath(block)))
        {
            MappedTensor tensor = file.TryFind(record.Name + ".weight") ?? throw new CheckpointException($"{path}: tensor '{record.Name}.weight' is missing; start the job again with --overwrite");
            block.Linears.Single(l => l.Name == record.Name).Weights = new PackedMatrix(tensor);
            layers.Add(record with { Bytes = tensor.StoredBytes });
        }

        return true;
    }

    /// <summary>Whether a block after this one is not finished.</summary>
    public bool HasUnfinishedAfter(int block)
        => decoder.Blocks.Skip(block + 1).Any(b => !File.Exists(ShardPath(b.Index + 1)) || !File.Exists(RecordPath(b)));

    /// <summary>Writes what makes the folder a checkpoint: index, config with <c>quantization_config</c>, tokenizer files, and the record.</summary>
    public void WriteRecords(JobRecord record)
    {
        ModelFiles.WriteIndex(folder, Enumerable.Range(0, ShardCount).Select(ShardPath));
        WriteConfig(record);
        ModelFiles.CopyTokenizer(source.Folder, folder);
        record.Write(Path.Combine(folder, JobFolder.RecordName));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafetensorsFile file in blockFiles) file.Dispose();
    }

    private int ShardCount => decoder.Blocks.Count + 1;

    private string ShardPath(int index)
        => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"model-{index + 1:D5}-of-{ShardCount:D5}.safetensors"));

    private string RecordPath(DecoderBlock block) => Path.Combine(workFolder, string.Create(CultureInfo.InvariantCulture, $"block-{block.Index:D5}.json"));

    /// <summary>What the names of a block's tensors begin with, e.g. <c>model.layers.3.</c></summary>
    private static string PrefixOf(DecoderBlock block)
    {
        string marker = string.Create(CultureInfo.InvariantCulture, $".{block.Index}.");
        string name = block.Linears[0].Name;
        return name[..(name.IndexOf(marker, StringComparison.Ordinal) + marker.Length)];
    }

    private void Copy(string path, IReadOnlyList<MappedTensor> tensors)
    {
        using var writer = new SafetensorsWriter(path, [.. tensors.Select(Declare)], ModelFiles.Metadata);
        foreach (MappedTensor tensor in tensors) Write(writer, tensor);
        writer.Complete();
    }

    private TensorDeclaration Declare(MappedTensor tensor) => new(tensor.Name, Replaced.ContainsKey(tensor.Name) ? ElementType.F32 : tensor.Type, tensor.Shape);

    private void Write(SafetensorsWriter writer, MappedTensor tensor)
    {
        if (Replaced.TryGetValue(tensor.Name, out Matrix<float>? values)) writer.Write(ElementBytes.Of(values.Data.AsSpan()));
        else writer.Copy(tensor);
    }

    private void WriteConfig(JobRecord record)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(source.ConfigPath))!.AsObject();
        config["quantization_config"] = new JsonObject
        {
            ["quant_method"] = PackedCheckpoint.QuantMethod,
            ["format_version"] = PackedCheckpoint.CodedVersion,
            ["method"] = record.Identity["method"]!.DeepClone(),
            ["options"] = record.Identity["options"]!.DeepClone(),
        };
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), JobRecord.Text(config));
    }
}
