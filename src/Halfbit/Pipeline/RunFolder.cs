using System.Diagnostics;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Kernels;
using Halfbit.Packing;

namespace Halfbit.Pipeline;

/// <summary>Makes of a packed model, whose matrices are coded, one whose matrices are laid out to run: it is multiplied from its files, and starts at once.</summary>
public static class RunFolder
{
    /// <summary>Lays a model out, a few matrices at a time.</summary>
    /// <param name="packedFolder">A folder that <see cref="QuantizationJob"/> wrote.</param>
    /// <param name="outputFolder">Folder to write; it is complete or absent.</param>
    /// <param name="overwrite">Whether an existing output, or what is left of an interrupted conversion, may be replaced.</param>
    /// <param name="progress">Told of matrices done and matrices in all.</param>
    /// <param name="cancellation">Ends the work after a matrix; nothing is left then.</param>
    /// <exception cref="PipelineException">The model is not packed, or laid out already, or the output cannot be written.</exception>
    /// <exception cref="CheckpointException">A file of the model is damaged.</exception>
    public static RunFolderReport Write(string packedFolder, string outputFolder, bool overwrite = false, Action<int, int>? progress = null, CancellationToken cancellation = default)
    {
        var watch = Stopwatch.StartNew();
        using Checkpoint source = Checkpoint.Open(packedFolder);
        PackedCheckpoint packed = PackedCheckpoint.TryOpen(source)
            ?? throw new PipelineException($"{source.ConfigPath}: has no quantization_config, the model is not packed; run 'halfbit quantize' and convert what that writes");
        if (packed.IsLaidOut) throw new PipelineException($"{source.ConfigPath}: says that the model is laid out to run already; use it as it is");
        using JobFolder job = JobFolder.Enter(outputFolder, packedFolder, null, overwrite, new JsonObject { ["convert"] = packedFolder });
        try
        {
            (int laidOut, long bytes) = WriteShards(source, packed, job.Folder, progress, cancellation);
            ModelFiles.CopyTokenizer(source.Folder, job.Folder);
            WriteConfig(source, job.Folder);
            WriteRecord(source, job.Folder);
            job.Finish();
            using Checkpoint result = Checkpoint.Open(outputFolder);
            return new RunFolderReport(laidOut, packed.Tensors.Count - laidOut, result.ByteCount, source.ByteCount, 8.0 * bytes / Math.Max(1, packed.WeightCount), packed.TrueBits, watch.Elapsed.TotalSeconds);
        }
        catch
        {
            if (Directory.Exists(job.Folder)) job.Remove();
            throw;
        }
    }

    /// <summary>Writes all weights files, of the same names.</summary>
    /// <returns>Matrices laid out; bytes of all matrices with their entries.</returns>
    private static (int LaidOut, long Bytes) WriteShards(Checkpoint source, PackedCheckpoint packed, string folder, Action<int, int>? progress, CancellationToken cancellation)
    {
        int done = 0;
        int laidOut = 0;
        var paths = new List<string>();
        foreach (SafetensorsFile shard in source.Files)
        {
            paths.Add(Path.Combine(folder, Path.GetFileName(shard.Path)));
            using var writer = new SafetensorsAppender(paths[^1], shard.Tensors.Select(t => (t.Name, t.Shape.Count)), ModelFiles.Metadata);
            var coded = new HashSet<MappedTensor>();

            // Tiles first: their lengths are multiples of 64, so that all of them start at one.
            PackedTensor[] tensors = [.. shard.Tensors.Select(t => packed.TryFind(t.Name)).OfType<PackedTensor>()];
            foreach ((PackedTensor tensor, TiledMatrix? tiled) in tensors.Zip(LayingOut.Of([.. tensors.Select(t => t.Matrix)], ActivationPrecision.EightBits, cancellation: cancellation)))
            {
                cancellation.ThrowIfCancellationRequested();
                if (tiled is null)
                {
                    coded.Add(tensor.Tensor);
                }
                else
                {
                    WriteTiles(tensor, tiled, writer);
                    laidOut++;
                }

                progress?.Invoke(++done, packed.Tensors.Count);
            }

            foreach (MappedTensor tensor in shard.Tensors)
            {
                cancellation.ThrowIfCancellationRequested();
                if (packed.TryFind(tensor.Name) is null || coded.Contains(tensor)) writer.Copy(tensor);
            }

            writer.Complete();
        }

        if (File.Exists(Path.Combine(source.Folder, Checkpoint.IndexFileName))) ModelFiles.WriteIndex(folder, paths);
        return (laidOut, paths.Sum(path => BytesOf(path, packed)));
    }

    private static void WriteTiles(PackedTensor packed, TiledMatrix tiled, SafetensorsAppender writer)
    {
        byte[] head = TileFormat.Head(tiled);
        writer.Write(new TensorDeclaration(packed.Name, ElementType.U8, [head.Length + tiled.ByteCount]), head, tiled.Memory);
        packed.Tensor.Release();
        GC.KeepAlive(tiled);
    }

    private static long BytesOf(string path, PackedCheckpoint packed)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return file.Tensors.Where(t => packed.TryFind(t.Name) is not null).Sum(t => t.StoredBytes);
    }

    private static void WriteConfig(Checkpoint source, string folder)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(source.ConfigPath))!.AsObject();
        JsonObject quantization = config["quantization_config"]!.AsObject();
        quantization["format_version"] = PackedCheckpoint.FormatVersion;
        quantization["layout"] = PackedCheckpoint.TilesLayout;
        _ = quantization.Remove("packed");
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), JobRecord.Text(config));
    }

    /// <summary>What was quantized and how, with the bytes that layers had coded; it also tells that the folder is ours.</summary>
    private static void WriteRecord(Checkpoint source, string folder)
    {
        string original = Path.Combine(source.Folder, JobFolder.RecordName);
        JsonObject record = File.Exists(original) ? JobRecord.ReadIdentity(original) : [];
        record["layout"] = PackedCheckpoint.TilesLayout;
        AtomicFile.WriteText(Path.Combine(folder, JobFolder.RecordName), JobRecord.Text(record));
    }
}
