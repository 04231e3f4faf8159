using System.Buffers.Binary;
using System.Globalization;
using Halfbit.Checkpoints;
using Halfbit.Kernels;
using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Evaluation;

/// <summary>
/// A folder with a model whose packed weights are random and laid out to run, as 'halfbit convert' leaves them: speed and memory of a large model without one. Embedding and head share one table in F16.
/// </summary>
public sealed record SyntheticModel
{
    private const int HalfBytes = 2;

    /// <summary>Rows of the table that are made; they repeat.</summary>
    private const int RowsAtATime = 64;

    private SyntheticModel()
    {
    }

    /// <summary>The folder: config.json and one weights file.</summary>
    public required string Folder { get; init; }

    /// <summary>Form of the packed weights.</summary>
    public required string Form { get; init; }

    /// <summary>Packed weights.</summary>
    public required long WeightCount { get; init; }

    /// <summary>Bytes of the packed weights as kernels read them: records and row scales.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Bytes of the weights file on the disk: packed weights with what describes them, the table of tokens, norms, header.</summary>
    public required long FileBytes { get; init; }

    /// <summary>Writes a model; one matrix of each shape is made, and written for all layers of that shape.</summary>
    /// <param name="folder">An existing folder, empty.</param>
    /// <param name="form">Form of the packed weights; see <see cref="RandomForms"/>.</param>
    /// <param name="blocks">Blocks, ≥ 1.</param>
    /// <param name="shape">Sizes; null: <see cref="SyntheticShape.Llama7B"/>.</param>
    /// <param name="progress">Told of bytes written and bytes in all, about.</param>
    /// <param name="cancellation">Looked at before each matrix and each piece of the table; what was written is left to the owner of the folder.</param>
    /// <exception cref="ArgumentException">An unknown form.</exception>
    /// <exception cref="IOException">The disk has no room for the model, which is known before anything is written, or a file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static SyntheticModel Write(string folder, string form, int blocks, SyntheticShape? shape = null, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks, 1);
        shape ??= SyntheticShape.Llama7B;
        long expected = BytesOf(form, blocks, shape);
        CheckSpace(folder, form, blocks, expected);
        string path = Path.Combine(folder, Checkpoint.SingleFileName);
        long weightBytes;
        using (var writer = new SafetensorsAppender(path, Names(blocks, shape), new Dictionary<string, string> { ["format"] = "pt" }))
        {
            long written = 0;
            weightBytes = WriteTiles(writer, form, blocks, shape, Report, cancellation);
            WriteVectors(writer, blocks, shape);
            WriteTable(writer, shape, Report, cancellation);
            writer.Complete();

            void Report(long bytes) => progress?.Invoke(written += bytes, expected);
        }

        AtomicFile.WriteText(Path.Combine(folder, "config.json"), Config(blocks, shape));
        return new SyntheticModel { Folder = folder, Form = form, WeightCount = blocks * shape.WeightsPerBlock, WeightBytes = weightBytes, FileBytes = new FileInfo(path).Length };
    }

    /// <summary>Bytes that a model will take, within a few per cent: what a tile of each matrix takes, for all tiles.</summary>
    internal static long BytesOf(string form, int blocks, SyntheticShape shape)
    {
        double block = shape.Linears.GroupBy(l => l.Columns).Sum(group => (double)Tiles(form, PlaneKernel.TileRows, group.Key).ByteCount * group.Sum(l => (l.Rows + PlaneKernel.TileRows - 1) / PlaneKernel.TileRows));
        return (long)((blocks * block) + ((shape.Vocabulary + (2.0 * blocks) + 1) * HalfBytes * shape.Hidden));
    }

    private static void CheckSpace(string folder, string form, int blocks, long expected)
    {
        // On Windows a drive has a letter, and a share of another machine is not asked; elsewhere any folder names what it lies on.
        string full = Path.GetFullPath(folder);
        if (OperatingSystem.IsWindows() && full.StartsWith(@"\\", StringComparison.Ordinal)) return;
        long free = new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(full)! : full).AvailableFreeSpace;
        if (free >= expected) return;
        string needed = string.Create(CultureInfo.InvariantCulture, $"{expected / 1e9:F1} GB, {free / 1e9:F1} GB are free");
        throw new IOException($"{folder}: a synthetic model of {blocks} blocks in the form '{form}' needs {needed}; free some space, or choose another --folder or fewer --blocks");
    }

    private static TiledMatrix Tiles(string form, int rows, int columns)
    {
        QuantizedMatrix matrix = RandomForms.Create(form, rows, columns);
        return Tiling.Of(matrix, matrix) ?? throw new ArgumentException($"no kernel multiplies the form '{form}'", nameof(form));
    }

    private static IEnumerable<(string Name, int Dimensions)> Names(int blocks, SyntheticShape shape)
        => [("model.embed_tokens.weight", 2), ("model.norm.weight", 1), .. Enumerable.Range(0, blocks).SelectMany(b => (IEnumerable<(string, int)>)[.. Norms(b).Select(n => (n, 1)), .. shape.Linears.Select(l => (NameOf(b, l.Name), 1))])];

    private static string NameOf(int block, string layer) => string.Create(CultureInfo.InvariantCulture, $"model.layers.{block}.{layer}.weight");

    private static string[] Norms(int block) => [NameOf(block, "input_layernorm"), NameOf(block, "post_attention_layernorm")];

    /// <summary>Writes all layers, shape by shape. Tiles come first in the file: their lengths are multiples of 64, so that all of them start at one.</summary>
    /// <returns>Bytes of records and row scales.</returns>
    private static long WriteTiles(SafetensorsAppender writer, string form, int blocks, SyntheticShape shape, Action<long> report, CancellationToken cancellation)
    {
        long bytes = 0;
        foreach (var group in shape.Linears.GroupBy(l => (l.Rows, l.Columns)))
        {
            cancellation.ThrowIfCancellationRequested();
            bytes += WriteShape(group.Key.Rows, group.Key.Columns, [.. group.Select(l => l.Name)]);

            // The next matrix takes the place of this one, not more.
            if ((long)group.Key.Rows * group.Key.Columns > 1 << 20) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        return bytes;

        long WriteShape(int rows, int columns, string[] layers)
        {
            TiledMatrix tiled = Tiles(form, rows, columns);
            byte[] head = TileFormat.Head(tiled);
            for (int b = 0; b < blocks; b++)
            {
                foreach (string layer in layers)
                {
                    cancellation.ThrowIfCancellationRequested();
                    writer.Write(new TensorDeclaration(NameOf(b, layer), ElementType.U8, [head.Length + tiled.ByteCount]), head, tiled.Memory);
                    report(head.Length + tiled.ByteCount);
                }
            }

            GC.KeepAlive(tiled);
            return tiled.ByteCount * blocks * layers.Length;
        }
    }

    private static void WriteVectors(SafetensorsAppender writer, int blocks, SyntheticShape shape)
    {
        var ones = new byte[HalfBytes * shape.Hidden];
        for (int j = 0; j < shape.Hidden; j++) BinaryPrimitives.WriteHalfLittleEndian(ones.AsSpan(HalfBytes * j), Half.One);
        foreach (string name in Enumerable.Range(0, blocks).SelectMany(Norms).Append("model.norm.weight")) writer.Write(new TensorDeclaration(name, ElementType.F16, [shape.Hidden]), ones, []);
    }

    private static void WriteTable(SafetensorsAppender writer, SyntheticShape shape, Action<long> report, CancellationToken cancellation)
    {
        var random = new Random(7);
        var rows = new byte[HalfBytes * RowsAtATime * shape.Hidden];
        for (int j = 0; j < rows.Length; j += HalfBytes) BinaryPrimitives.WriteHalfLittleEndian(rows.AsSpan(j), (Half)((random.NextSingle() - 0.5f) / 16));
        writer.Write(new TensorDeclaration("model.embed_tokens.weight", ElementType.F16, [shape.Vocabulary, shape.Hidden]), Pieces());

        IEnumerable<ReadOnlyMemory<byte>> Pieces()
        {
            for (int start = 0; start < shape.Vocabulary; start += RowsAtATime)
            {
                cancellation.ThrowIfCancellationRequested();
                ReadOnlyMemory<byte> piece = rows.AsMemory(0, HalfBytes * shape.Hidden * Math.Min(RowsAtATime, shape.Vocabulary - start));
                yield return piece;
                report(piece.Length);
            }
        }
    }

    private static string Config(int blocks, SyntheticShape shape) => $$"""
        {
          "model_type": "llama", "vocab_size": {{shape.Vocabulary}}, "hidden_size": {{shape.Hidden}}, "intermediate_size": {{shape.FeedForward}}, "num_hidden_layers": {{blocks}},
          "num_attention_heads": {{shape.Heads}}, "num_key_value_heads": {{shape.Heads}}, "max_position_embeddings": 4096, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
          "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2,
          "quantization_config": { "quant_method": "{{PackedCheckpoint.QuantMethod}}", "format_version": {{PackedCheckpoint.FormatVersion}}, "layout": "{{PackedCheckpoint.TilesLayout}}" }
        }

        """;
}
