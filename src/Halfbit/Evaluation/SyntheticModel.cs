using System.Globalization;
using System.Runtime.InteropServices;
using Halfbit.Checkpoints;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Representation;

namespace Halfbit.Evaluation;

/// <summary>A model with the shapes of LLaMA-7B and a few blocks, whose packed weights are random: speed and memory of a large model without one. Embedding and head share one table in F16.</summary>
public sealed class SyntheticModel : IDisposable
{
    private const int Hidden = 4096;
    private const int FeedForward = 11008;
    private const int Heads = 32;
    private const int Vocabulary = 32000;
    private readonly string folder;
    private readonly Checkpoint checkpoint;
    private readonly Dictionary<(int, int), TiledMatrix> byShape = [];

    /// <summary>Makes a model; its table lies in a temporary folder until it is disposed.</summary>
    /// <param name="form">Form of the packed weights; see <see cref="RandomForms"/>.</param>
    /// <param name="blocks">Blocks, ≥ 1.</param>
    /// <param name="precision">How activations are rounded.</param>
    /// <exception cref="ArgumentException">An unknown form.</exception>
    public SyntheticModel(string form, int blocks, ActivationPrecision precision)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks, 1);
        folder = Directory.CreateTempSubdirectory("halfbit-synthetic-").FullName;
        try
        {
            WriteTable(blocks);
            checkpoint = Checkpoint.Open(folder);
            Decoder = Decoder.Open(checkpoint, (name, rows, columns) => name.EndsWith("_proj.weight", StringComparison.Ordinal) ? Weights(form, rows, columns, precision) : null);
        }
        catch
        {
            checkpoint?.Dispose();
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>The model.</summary>
    public Decoder Decoder { get; }

    /// <summary>Bytes of the packed weights in memory.</summary>
    public long WeightBytes { get; private set; }

    /// <summary>Packed weights.</summary>
    public long WeightCount { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        checkpoint.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>One matrix of each shape is made, the others are copies of it elsewhere in memory.</summary>
    private TiledMatrix Weights(string form, int rows, int columns, ActivationPrecision precision)
    {
        if (byShape.TryGetValue((rows, columns), out TiledMatrix? made))
        {
            made = made.Copy();
        }
        else
        {
            QuantizedMatrix matrix = RandomForms.Create(form, rows, columns);
            made = Tiling.Of(matrix, matrix, precision) ?? throw new ArgumentException($"no kernel multiplies the form '{form}'", nameof(form));
            byShape.Add((rows, columns), made);
        }

        WeightBytes += made.ByteCount;
        WeightCount += (long)rows * columns;
        return made;
    }

    private void WriteTable(int blocks)
    {
        var tensors = new List<TensorDeclaration> { new("model.embed_tokens.weight", ElementType.F16, [Vocabulary, Hidden]), new("model.norm.weight", ElementType.F16, [Hidden]) };
        for (int b = 0; b < blocks; b++)
        {
            foreach (string norm in (string[])["input_layernorm", "post_attention_layernorm"])
                tensors.Add(new TensorDeclaration(string.Create(CultureInfo.InvariantCulture, $"model.layers.{b}.{norm}.weight"), ElementType.F16, [Hidden]));
        }

        using (var writer = new SafetensorsWriter(Path.Combine(folder, "model.safetensors"), tensors))
        {
            var random = new Random(7);
            foreach (TensorDeclaration tensor in tensors)
            {
                var row = new Half[Hidden];
                for (long start = 0; start < tensor.ByteCount; start += 2 * Hidden)
                {
                    for (int j = 0; j < Hidden; j++) row[j] = tensor.Shape.Count == 1 ? Half.One : (Half)((random.NextSingle() - 0.5f) / 16);
                    writer.Write(MemoryMarshal.AsBytes<Half>(row));
                }
            }

            writer.Complete();
        }

        AtomicFile.WriteText(Path.Combine(folder, "config.json"), $$"""
            {
              "model_type": "llama", "vocab_size": {{Vocabulary}}, "hidden_size": {{Hidden}}, "intermediate_size": {{FeedForward}}, "num_hidden_layers": {{blocks}},
              "num_attention_heads": {{Heads}}, "num_key_value_heads": {{Heads}}, "max_position_embeddings": 4096, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
              "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2
            }

            """);
    }
}
