using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Representation;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Pipeline;

public sealed class QuantizationJobTests
{
    public static TheoryData<string, string> Models() => new()
    {
        { "llama", "pb-llm" },
        { "llama", "gptq" },
        { "llama", "xnor" },
        { "llama", "stbllm" },
        { "opt", "pb-llm" },
        { "opt", "stbllm" },
        { "opt", "rtn" },
        { "opt", "sign" },
    };

    [Theory, MemberData(nameof(Models))]
    public void The_output_is_a_whole_model_folder_with_every_linear_layer_packed(string family, string method)
    {
        using var folder = new TemporaryFolder();
        string model = Toy(family).Write(folder["model"]);
        QuantizationReport report = QuantizationJob.Run(ToyJob.Options(model, folder["out"], method));

        Assert.False(Directory.Exists(folder["out.partial"]));
        Assert.Empty(Directory.GetDirectories(folder["out"]));
        Assert.Equal(File.ReadAllBytes(folder["model", "tokenizer.json"]), File.ReadAllBytes(folder["out", "tokenizer.json"]));
        using ModelFolder original = ModelFolder.Open(model);
        using ModelFolder packed = ModelFolder.Open(folder["out"]);
        Assert.True(packed.Packed is not null);
        Assert.Equal(original.Checkpoint.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), packed.Checkpoint.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        string[] linears = [.. original.Decoder.Blocks.SelectMany(b => b.Linears).Select(l => l.Name)];
        Assert.Equal(linears, report.Layers.Select(l => l.Name));
        foreach (MappedTensor tensor in original.Checkpoint.Tensors)
        {
            MappedTensor stored = packed.Checkpoint.TryFind(tensor.Name)!;
            if (linears.Contains(tensor.Name[..^".weight".Length]))
            {
                Assert.Equal(ElementType.U8, stored.Type);
                continue;
            }

            Assert.Equal(tensor.Type, stored.Type);
            Assert.Equal(tensor.Bytes(0, (int)tensor.ByteCount).ToArray(), stored.Bytes(0, (int)stored.ByteCount).ToArray());
        }

        Assert.Equal(8.0 * report.Layers.Sum(l => l.Bytes) / report.Weights, packed.TrueBits, 9);
        Assert.Equal(Tokenizer.Load(model).Encode("to be"), Tokenizer.Load(folder["out"]).Encode("to be"));
    }

    [Fact]
    public void True_bits_are_the_bytes_that_the_layers_take_in_the_files()
    {
        using var folder = new TemporaryFolder();
        QuantizationReport report = QuantizationJob.Run(ToyJob.Options(ToyCheckpoint.Llama().Write(folder["model"]), folder["out"]));
        using Checkpoint source = Checkpoint.Open(folder["model"]);
        using Checkpoint packed = Checkpoint.Open(folder["out"]);

        // What is in the block files besides the packed matrices: norms, their header entries, braces, metadata and padding.
        long blockFiles = packed.Files.Skip(1).Sum(f => f.Length);
        long layers = report.Layers.Sum(l => l.Bytes);
        long others = packed.Files.Skip(1).SelectMany(f => f.Tensors).Where(t => t.Type != ElementType.U8).Sum(t => t.ByteCount + t.HeaderBytes);
        Assert.InRange(blockFiles - layers - others, 0, ToyCheckpoint.Blocks * 256);
        Assert.Equal(packed.ByteCount, report.Bytes);
        Assert.Equal(source.ByteCount, report.SourceBytes);
        Assert.Equal(packed.ByteCount, new DirectoryInfo(folder["out"]).GetFiles("*.safetensors").Sum(f => f.Length));
        Assert.True(report.PeakMemoryBytes > 1 << 20);
    }

    [Theory, InlineData("xnor"), InlineData("rtn")]
    public void The_packed_model_computes_with_exactly_the_weights_that_the_method_gave(string method)
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        QuantizationJobOptions options = ToyJob.Options(model, folder["out"], method);
        _ = QuantizationJob.Run(options);
        using ModelFolder packed = ModelFolder.Open(folder["out"]);
        using ModelFolder inMemory = ModelFolder.Open(model);
        foreach (LinearLayer layer in inMemory.Decoder.Blocks.SelectMany(b => b.Linears))
        {
            Matrix W = Matrix.Expand(layer.Weights);
            layer.Weights = options.Method.Quantize(W, null, ScaleFormat.HalfFor(W.Data.Max(MathF.Abs))).Approximation;
        }

        int[] tokens = [256, .. Enumerable.Range(0, 40).Select(t => t * 37 % 256)];
        Assert.Equal(inMemory.Decoder.Logits(tokens).Data, packed.Decoder.Logits(tokens).Data);
        PerplexityOptions window = new() { Window = 20 };
        Assert.Equal(Perplexity.Measure(inMemory.Decoder, tokens, window).Value, Perplexity.Measure(packed.Decoder, tokens, window).Value);
    }

    [Fact]
    public void The_reported_error_is_that_of_the_stored_weights_under_the_inputs_of_the_compressed_blocks_before()
    {
        using var folder = new TemporaryFolder();
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        File.WriteAllText(folder["text"], ToyCheckpoint.Text(500));
        QuantizationJobOptions options = ToyJob.Options(model, folder["out"]) with { CalibrationFile = folder["text"] };
        QuantizationReport report = QuantizationJob.Run(options);

        using ModelFolder original = ModelFolder.Open(model);
        using ModelFolder packed = ModelFolder.Open(folder["out"]);
        int[] text = Tokenizer.Load(model).Encode(File.ReadAllText(folder["text"]));
        int[][] sequences = [.. Halfbit.Calibration.CalibrationSet.FromText(text, ToyJob.Samples, ToyJob.SequenceLength, 0, "text").Sequences];
        foreach (int block in (int[])[0, 1])
        {
            // Definition: the original block on inputs from packed blocks before it; H = 2/K·Σ x·xᵀ in double precision.
            var sums = new Dictionary<int, double[,]>();
            foreach (int[] sequence in sequences)
            {
                var hidden = new Matrix(sequence.Length, original.Decoder.Config.HiddenSize);
                original.Decoder.Embed(new SequenceBatch(sequence), hidden);
                for (int b = 0; b < block; b++) packed.Decoder.Blocks[b].Forward(hidden, new SequenceBatch(sequence));
                original.Decoder.Blocks[block].Forward(hidden, new SequenceBatch(sequence), new Gram(sums));
            }

            foreach (LinearGroup group in original.Decoder.Blocks[block].Groups)
            {
                foreach (LinearLayer layer in group.Layers)
                {
                    Matrix W = Matrix.Expand(layer.Weights);
                    Matrix Q = Matrix.Expand(packed.Decoder.Blocks[block].Linears.Single(l => l.Name == layer.Name).Weights);
                    double expected = 2.0 / sequences.Length * Reference.QuadraticError.Of(W, Q, sums[group.Index]);
                    LayerRecord record = report.Layers.Single(l => l.Name == layer.Name);
                    Assert.Equal(expected, record.WeightedError, 1e-4 * expected);
                    Assert.Equal(expected / (2.0 / sequences.Length * Reference.QuadraticError.Of(W, new Matrix(W.Rows, W.Columns), sums[group.Index])), record.RelativeError, 1e-4);
                }
            }
        }
    }

    [Fact]
    public void The_config_keeps_its_fields_and_tells_the_method()
    {
        using var folder = new TemporaryFolder();
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Config["something_else"] = new JsonObject { ["kept"] = true };
        _ = QuantizationJob.Run(ToyJob.Options(toy.Write(folder["model"]), folder["out"], "pb-llm", ("salient", "0.2")));
        JsonNode config = JsonNode.Parse(File.ReadAllText(folder["out", "config.json"]))!;
        Assert.True((bool)config["something_else"]!["kept"]!);
        Assert.Equal("pb-llm", (string)config["quantization_config"]!["method"]!);
        Assert.Equal("0.8", (string)config["quantization_config"]!["options"]!["low-frac"]!);
    }

    private static ToyCheckpoint Toy(string family) => family == "opt" ? ToyCheckpoint.Opt() : ToyCheckpoint.Llama();

    private sealed class Gram(Dictionary<int, double[,]> sums) : IInputObserver
    {
        public void Observe(int group, MatrixView<float> X)
        {
            if (!sums.TryGetValue(group, out double[,]? sum)) sums.Add(group, sum = new double[X.Columns, X.Columns]);
            for (int t = 0; t < X.Rows; t++)
            {
                for (int i = 0; i < X.Columns; i++)
                {
                    for (int j = 0; j < X.Columns; j++) sum[i, j] += (double)X[t, i] * X[t, j];
                }
            }
        }
    }
}
