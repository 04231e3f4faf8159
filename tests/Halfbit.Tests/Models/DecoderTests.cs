using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Models;

public sealed class DecoderTests
{
    [Theory]
    [InlineData("probe-llama2-gqa")]
    [InlineData("probe-opt350")]
    public void A_walk_block_by_block_gives_the_bits_of_the_whole_pass(string name)
    {
        using var probe = new Probe(name);
        Decoder decoder = probe.Decoder;
        Matrix expected = decoder.Logits(probe.Ids);

        var batch = new SequenceBatch(probe.Ids);
        var hidden = new Matrix(probe.Ids.Length + 3, decoder.Config.HiddenSize);
        decoder.Embed(batch, hidden);
        for (int l = 0; l < decoder.Blocks.Count; l++)
        {
            decoder.Blocks[l].Forward(hidden, batch, new Recorder());
            decoder.ReleaseBlock(l);
        }

        var logits = new Matrix(20, decoder.Config.VocabularySize);
        decoder.Logits(hidden, 13, 20, logits);
        Assert.Equal(expected.Data[(13 * logits.Columns)..(33 * logits.Columns)], logits.Data);
        decoder.Logits(hidden, [63, 0], logits);
        Assert.Equal(expected.Row(63), logits.Row(0));
        Assert.Equal(expected.Row(0), logits.Row(1));
    }

    [Theory]
    [InlineData("probe-llama2-gqa", "q_proj k_proj v_proj|o_proj|gate_proj up_proj|down_proj")]
    [InlineData("probe-opt", "q_proj k_proj v_proj|out_proj|fc1|fc2")]
    public void The_observer_sees_the_input_of_each_group_of_layers(string name, string groups)
    {
        using var probe = new Probe(name);
        Decoder decoder = probe.Decoder;
        DecoderBlock block = decoder.Blocks[1];
        Assert.Equal(groups, string.Join('|', block.Groups.Select(g => string.Join(' ', g.Layers.Select(l => l.Name.Split('.')[^1])))));
        Assert.Equal(block.Groups.SelectMany(g => g.Layers), block.Linears);

        var batch = new SequenceBatch(probe.Ids);
        var hidden = new Matrix(probe.Ids.Length, decoder.Config.HiddenSize);
        decoder.Embed(batch, hidden);
        decoder.Blocks[0].Forward(hidden, batch);
        Matrix before = Matrix.CopyOf(hidden.View);
        var recorder = new Recorder();
        block.Forward(hidden, batch, recorder);
        Assert.Equal([0, 1, 2, 3], recorder.Inputs.Select(i => i.Group));
        for (int g = 0; g < 4; g++) Assert.Equal((probe.Ids.Length, block.Groups[g].InputSize), (recorder.Inputs[g].X.Rows, recorder.Inputs[g].X.Columns));

        // What was seen is what was multiplied: the output of both parts, added to the input, is the block's output.
        Matrix sum = Sum(before, Product(block.Groups[1].Layers[0], recorder.Inputs[1].X));
        sum = Sum(sum, Product(block.Groups[3].Layers[0], recorder.Inputs[3].X));
        Assert.Equal(hidden.Data, sum.Data);
    }

    [Fact]
    public void Names_of_linear_layers_are_those_of_the_checkpoint()
    {
        using var probe = new Probe("probe-qwen2");
        Assert.Equal("model.layers.1.mlp.down_proj", probe.Decoder.Blocks[1].Linears[^1].Name);
        Assert.NotNull(probe.Decoder.Blocks[0].Linears[0].Bias);
        Assert.Null(probe.Decoder.Blocks[0].Linears[3].Bias);
        using var opt = new Probe("probe-opt");
        Assert.Equal("model.decoder.layers.0.fc1", opt.Decoder.Blocks[0].Linears[4].Name);
    }

    [Fact]
    public void Weights_of_another_source_are_used_where_it_has_them()
    {
        using var plain = new Probe("probe-llama2-gqa");
        var asked = new List<string>();
        using var probe = new Probe("probe-llama2-gqa", (name, rows, columns) =>
        {
            asked.Add(name);
            return name == "model.layers.1.mlp.down_proj.weight" ? new Matrix(rows, columns) : null;
        });
        Assert.Contains("lm_head.weight", asked);
        Assert.Contains("model.embed_tokens.weight", asked);
        Assert.NotEqual(plain.Decoder.Logits(probe.Ids).Data, probe.Decoder.Logits(probe.Ids).Data);

        LinearLayer layer = plain.Decoder.Blocks[1].Linears[^1];
        layer.Weights = new Matrix(layer.Rows, layer.Columns);
        Assert.Equal(plain.Decoder.Logits(probe.Ids).Data, probe.Decoder.Logits(probe.Ids).Data);

        var exception = Assert.Throws<CheckpointException>(() => new Probe("probe-llama2-gqa", (_, rows, columns) => new Matrix(columns, rows + 1)));
        Assert.Contains("model.embed_tokens.weight", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(512)]
    public void A_token_outside_the_vocabulary_is_named(int id)
    {
        using var probe = new Probe("probe-llama3");
        var exception = Assert.Throws<ArgumentException>(() => probe.Decoder.Logits([1, id]));
        Assert.Contains($"token id {id}", exception.Message, StringComparison.Ordinal);
        Assert.Contains("0 to 511", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_positions_than_were_learned_are_refused()
    {
        using var probe = new Probe("probe-opt");
        Assert.Equal(128, probe.Decoder.PositionLimit);
        probe.Decoder.Logits(new int[128]);
        var exception = Assert.Throws<ArgumentException>(() => probe.Decoder.Logits(new int[129]));
        Assert.Contains("129", exception.Message, StringComparison.Ordinal);
        Assert.Contains("128", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Computed_positions_have_no_limit()
    {
        using var probe = new Probe("probe-qwen2");
        Assert.Null(probe.Decoder.PositionLimit);
        Assert.All(probe.Decoder.Logits(new int[600]).Data, v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [InlineData("num_hidden_layers", 3, "model.layers.2.input_layernorm.weight' is missing")]
    [InlineData("intermediate_size", 180, "model.layers.0.mlp.gate_proj.weight' has shape [176, 64], config.json implies [180, 64]")]
    [InlineData("num_key_value_heads", 4, "model.layers.0.self_attn.k_proj.weight' has shape [32, 64], config.json implies [64, 64]")]
    [InlineData("vocab_size", 600, "model.embed_tokens.weight' has shape [512, 64], config.json implies [600, 64]")]
    public void A_config_that_contradicts_the_tensors_is_refused(string field, int value, string expected)
    {
        using var folder = new TemporaryFolder();
        string source = TestData.AnyPath("models", "probes", "probe-mistral");
        File.Copy(Path.Combine(source, "model.safetensors"), folder["model.safetensors"]);
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "config.json")))!;
        config[field] = value;
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => Decoder.Open(checkpoint)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OPT_tensors_may_lack_the_leading_model()
    {
        using var probe = new Probe("probe-opt350");
        using var folder = new TemporaryFolder();
        string source = TestData.AnyPath("models", "probes", "probe-opt350");
        File.Copy(Path.Combine(source, "config.json"), folder["config.json"]);
        using (Checkpoint original = Checkpoint.Open(source))
        {
            MappedTensor[] tensors = [.. original.Tensors];
            using var writer = new SafetensorsWriter(folder["model.safetensors"], [.. tensors.Select(t => new TensorDeclaration(t.Name["model.".Length..], t.Type, t.Shape))]);
            foreach (MappedTensor tensor in tensors) writer.Copy(tensor);
            writer.Complete();
        }

        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Decoder decoder = Decoder.Open(checkpoint);
        Assert.Equal("decoder.layers.0.self_attn.q_proj", decoder.Blocks[0].Linears[0].Name);
        Assert.Equal(probe.Decoder.Logits(probe.Ids).Data, decoder.Logits(probe.Ids).Data);
    }

    private static Matrix Product(LinearLayer layer, Matrix X)
    {
        var Y = new Matrix(X.Rows, layer.Rows);
        layer.Apply(X, Y, X.Rows);
        return Y;
    }

    private static Matrix Sum(Matrix A, Matrix B)
        => new(A.Rows, A.Columns, [.. A.Data.Zip(B.Data, (a, b) => a + b)]);

    private sealed class Recorder : IInputObserver
    {
        public List<(int Group, Matrix X)> Inputs { get; } = [];

        public void Observe(int group, MatrixView<float> X) => Inputs.Add((group, Matrix.CopyOf(X)));
    }
}
