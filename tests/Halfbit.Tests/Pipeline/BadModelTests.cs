using System.Text.Json.Nodes;
using Halfbit.Calibration;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

/// <summary>Models and calibration texts that cannot be used: one line that names the file and the remedy, and nothing left behind.</summary>
public sealed class BadModelTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("model.layers.1.mlp.down_proj.weight", "pb-llm", float.NaN)]
    [InlineData("model.layers.1.mlp.down_proj.weight", "xnor", float.PositiveInfinity)]
    [InlineData("model.layers.0.self_attn.q_proj.weight", "gptq", float.NegativeInfinity)]
    [InlineData("model.embed_tokens.weight", "xnor", float.NaN)]
    [InlineData("model.layers.0.input_layernorm.weight", "pb-llm", float.NaN)]
    [InlineData("lm_head.weight", "pb-llm", float.NaN)]
    public void A_weight_that_is_not_finite_is_named_with_file_and_place(string tensor, string method, float value)
    {
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Values(tensor)[^1] = value;
        var exception = Assert.Throws<NumericsException>(() => Quantize(toy, method));
        Assert.Contains(tensor, exception.Message, StringComparison.Ordinal);
        Assert.Contains("model.safetensors", exception.Message, StringComparison.Ordinal);
        Assert.Contains(tensor.Contains("norm", StringComparison.Ordinal) ? "[31]" : ", ", exception.Message, StringComparison.Ordinal);
        AssertNothingLeft(exception);
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Remove("model.layers.1.self_attn.k_proj.weight");
        AssertNames(Assert.Throws<CheckpointException>(() => Quantize(toy)), "model.layers.1.self_attn.k_proj.weight", "missing");
    }

    [Theory]
    [InlineData("model.layers.1.self_attn.k_proj.weight", 32, 16)]
    [InlineData("model.layers.0.mlp.up_proj.weight", 80, 31)]
    [InlineData("model.layers.0.mlp.up_proj.weight", 0, 32)]
    [InlineData("model.embed_tokens.weight", 256, 32)]
    [InlineData("lm_head.weight", 257, 33)]
    public void A_wrong_shape_is_named_beside_the_right_one(string tensor, int rows, int columns)
    {
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Reshape(tensor, rows, columns);
        AssertNames(Assert.Throws<CheckpointException>(() => Quantize(toy)), tensor, $"[{rows}, {columns}]", "implies");
    }

    [Fact]
    public void A_model_that_is_quantized_already_is_refused_as_such()
    {
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["packed"]));
        var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(folder["packed"], folder["out"])));
        AssertNames(exception, "quantized already");

        ToyCheckpoint foreign = ToyCheckpoint.Llama();
        foreign.Config["quantization_config"] = new JsonObject { ["quant_method"] = "gptq", ["bits"] = 4 };
        foreign.Remove("model.layers.0.self_attn.q_proj.weight");
        AssertNames(Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(foreign.Write(folder["foreign"]), folder["out"]))), "quantized already");
        Assert.Contains("gptq", Assert.Throws<CheckpointException>(() => ModelFolder.Open(folder["foreign"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sequence_longer_than_the_context_is_refused()
    {
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(ToyJob.Options(model, folder["out"]) with { SequenceLength = ToyCheckpoint.Context + 1 }));
        AssertNames(exception, "65", "64", "--seq-len");
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"]) with { SequenceLength = ToyCheckpoint.Context, Samples = 1 });
    }

    [Fact]
    public void Calibration_texts_that_cannot_be_used_are_refused_with_the_reason()
    {
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        File.WriteAllText(folder["empty"], "");
        File.WriteAllText(folder["short"], ToyCheckpoint.Text(ToyJob.SequenceLength - 1));
        File.WriteAllBytes(folder["latin"], [.. "caf"u8, 0xE9, .. " au lait et puis encore du texte"u8]);
        foreach ((string name, string reason) in ((string, string)[])[("empty", "tokens"), ("short", "longer text"), ("latin", "not valid UTF-8"), ("absent", "no such file"), ("", "no such file")])
        {
            var exception = Assert.Throws<CalibrationException>(() => QuantizationJob.Run(ToyJob.Options(model, folder["out"]) with { CalibrationFile = folder[name] }));
            AssertNames(exception, folder[name], reason);
        }
    }

    [Fact]
    public void The_shortest_text_that_fills_a_window_is_enough()
    {
        string model = ToyCheckpoint.Llama().Write(folder["model"]);
        int tokens = Halfbit.Tokenization.Tokenizer.Load(model).Encode(ToyCheckpoint.Text(ToyJob.SequenceLength + 1)).Length;
        Assert.Equal(ToyJob.SequenceLength + 1, tokens);
        File.WriteAllText(folder["text"], ToyCheckpoint.Text(ToyJob.SequenceLength + 1));
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["out"]) with { CalibrationFile = folder["text"] });
        Assert.True(File.Exists(folder["out", "halfbit.json"]));
    }

    [Fact]
    public void Without_a_first_token_the_model_cannot_write_its_own_calibration()
    {
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Config.Remove("bos_token_id");
        AssertNames(Assert.ThrowsAny<Exception>(() => Quantize(toy)), "bos_token_id");
    }

    [Fact]
    public void A_tokenizer_of_another_model_is_noticed()
    {
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Config["vocab_size"] = 110;
        toy.Config["bos_token_id"] = 1;
        toy.Config["eos_token_id"] = 1;
        toy.Reshape("model.embed_tokens.weight", 110, 32);
        toy.Reshape("lm_head.weight", 110, 32);
        File.WriteAllText(folder["text"], new string('é', 300));
        var exception = Assert.Throws<CheckpointException>(() => QuantizationJob.Run(ToyJob.Options(toy.Write(folder["model"]), folder["out"]) with { CalibrationFile = folder["text"] }));
        AssertNames(exception, "vocab_size 110");
    }

    private QuantizationReport Quantize(ToyCheckpoint toy, string method = "pb-llm") => QuantizationJob.Run(ToyJob.Options(toy.Write(folder["model"]), folder["out"], method));

    private void AssertNames(Exception exception, params string[] parts)
    {
        foreach (string part in parts) Assert.Contains(part, exception.Message, StringComparison.Ordinal);
        AssertNothingLeft(exception);
    }

    private void AssertNothingLeft(Exception exception)
    {
        Assert.DoesNotContain('\n', exception.Message);
        Assert.False(Directory.Exists(folder["out"]));
        Assert.False(Directory.Exists(folder["out.partial"]));
    }
}
