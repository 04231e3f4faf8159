using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Checkpoints;

public sealed class ModelConfigTests
{
    private const string Llama = """
        {"model_type": "llama", "vocab_size": 512, "hidden_size": 64, "intermediate_size": 172, "num_hidden_layers": 2,
         "num_attention_heads": 4, "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "bos_token_id": 1, "eos_token_id": 2}
        """;

    private const string Opt = """
        {"model_type": "opt", "vocab_size": 512, "hidden_size": 64, "ffn_dim": 256, "num_hidden_layers": 2,
         "num_attention_heads": 4, "max_position_embeddings": 128, "bos_token_id": 2, "eos_token_id": 2}
        """;

    [Fact]
    public void Absent_fields_take_the_defaults_of_HF()
    {
        var llama = Assert.IsType<LlamaConfig>(Read(Llama));
        Assert.Equal((4, 16, false, 10000.0, RopeScaling.None), (llama.KeyValueHeadCount, llama.HeadSize, llama.TiesEmbeddings, llama.Rope.Theta, llama.Rope.Scaling));
        Assert.Equal((false, false, false, null), (llama.HasQueryKeyValueBias, llama.HasAttentionOutputBias, llama.HasFeedForwardBias, llama.SlidingWindow));
        Assert.Equal((1, 256), (llama.BosTokenId, llama.MaxPositions));
        Assert.Equal([2], llama.EosTokenIds);
        Assert.Null(llama.QuantizationConfig);

        var opt = Assert.IsType<OptConfig>(Read(Opt));
        Assert.Equal((true, 64, true, true), (opt.TiesEmbeddings, opt.EmbeddingSize, opt.NormalizesBefore, opt.HasFinalNorm));
        Assert.Equal((true, true, OptActivation.Relu), (opt.HasBias, opt.HasNormParameters, opt.Activation));
    }

    [Fact]
    public void Fields_that_change_the_computation_are_read()
    {
        var llama = (LlamaConfig)Read(Llama, ("attention_bias", "true"), ("mlp_bias", "true"), ("tie_word_embeddings", "true"), ("head_dim", "32"),
            ("num_key_value_heads", "2"), ("rope_theta", "500000"), ("eos_token_id", "[2, 7]"), ("quantization_config", """{"quant_method": "x", "bits": 1}"""));
        Assert.Equal((true, true, true, true), (llama.HasQueryKeyValueBias, llama.HasAttentionOutputBias, llama.HasFeedForwardBias, llama.TiesEmbeddings));
        Assert.Equal((32, 2, 500000.0), (llama.HeadSize, llama.KeyValueHeadCount, llama.Rope.Theta));
        Assert.Equal([2, 7], llama.EosTokenIds);
        Assert.Equal(1, llama.QuantizationConfig!.Value.GetProperty("bits").GetInt32());

        var opt = (OptConfig)Read(Opt, ("do_layer_norm_before", "false"), ("word_embed_proj_dim", "32"), ("activation_function", "\"gelu\""), ("enable_bias", "false"));
        Assert.Equal((false, false, 32, OptActivation.Gelu, false), (opt.NormalizesBefore, opt.HasFinalNorm, opt.EmbeddingSize, opt.Activation, opt.HasBias));
    }

    [Theory]
    [InlineData("""{"type": "linear", "factor": 2.5}""", "rope_scaling")]
    [InlineData("""{"rope_type": "linear", "factor": 2.5}""", "rope_scaling")]
    [InlineData("""{"rope_type": "linear", "factor": 2.5, "rope_theta": 10000.0}""", "rope_parameters")]
    public void Linear_rope_scaling_is_read_in_old_and_new_spelling(string value, string field)
    {
        RopeConfig rope = ((LlamaConfig)Read(Llama, (field, value))).Rope;
        Assert.Equal(new RopeConfig { Scaling = RopeScaling.Linear, Factor = 2.5 }, rope);
    }

    [Fact]
    public void Theta_of_rope_parameters_wins()
        => Assert.Equal(new RopeConfig { Theta = 1e6 }, ((LlamaConfig)Read(Llama, ("rope_parameters", """{"rope_type": "default", "rope_theta": 1e6}"""))).Rope);

    [Fact]
    public void Llama_3_rope_scaling_is_read()
    {
        RopeConfig rope = ((LlamaConfig)Read(Llama, ("rope_scaling",
            """{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64}"""))).Rope;
        Assert.Equal(new RopeConfig { Scaling = RopeScaling.Llama3, Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalPositions = 64 }, rope);
    }

    [Theory]
    [InlineData("mistral", "sliding_window", "16", 16, 16)]
    [InlineData("mistral", "sliding_window", "null", null, null)]
    [InlineData("mistral", "hidden_act", "\"silu\"", 4096, 4096)]
    [InlineData("llama", "sliding_window", "16", null, null)]
    [InlineData("qwen2", "sliding_window", "16", null, null)]
    public void The_window_depends_on_the_family(string family, string field, string value, int? first, int? second)
    {
        var config = (LlamaConfig)Read(Llama, ("model_type", $"\"{family}\""), (field, value));
        Assert.Equal((first, second), (config.WindowOf(0), config.WindowOf(1)));
    }

    [Fact]
    public void Qwen2_windows_start_at_max_window_layers_or_follow_layer_types()
    {
        (string, string)[] common = [("model_type", "\"qwen2\""), ("use_sliding_window", "true"), ("sliding_window", "16")];
        var byCount = (LlamaConfig)Read(Llama, [.. common, ("max_window_layers", "1")]);
        Assert.Equal((null, 16), (byCount.WindowOf(0), byCount.WindowOf(1)));
        var byType = (LlamaConfig)Read(Llama, [.. common, ("layer_types", """["sliding_attention", "full_attention"]""")]);
        Assert.Equal((16, null), (byType.WindowOf(0), byType.WindowOf(1)));
        Assert.True(byType.HasQueryKeyValueBias);
        Assert.False(byType.HasAttentionOutputBias);
    }

    [Theory]
    [InlineData("model_type", "\"gpt2\"", "'model_type' is \"gpt2\", expected one of llama, mistral, qwen2, opt")]
    [InlineData("model_type", null, "'model_type' is missing")]
    [InlineData("hidden_size", null, "'hidden_size' is missing")]
    [InlineData("hidden_size", "\"64\"", "'hidden_size' is \"64\", expected an integer")]
    [InlineData("hidden_size", "0", "'hidden_size' is 0")]
    [InlineData("hidden_size", "66", "hidden_size 66 is no multiple of num_attention_heads 4")]
    [InlineData("num_hidden_layers", "-1", "'num_hidden_layers' is -1")]
    [InlineData("num_hidden_layers", "2.5", "'num_hidden_layers' is 2.5")]
    [InlineData("vocab_size", "99999999999", "'vocab_size' is 99999999999")]
    [InlineData("num_key_value_heads", "3", "num_attention_heads 4 is no multiple of num_key_value_heads 3")]
    [InlineData("head_dim", "15", "head size 15 is odd")]
    [InlineData("head_dim", "16000000", "times head_dim 16000000 is above")]
    [InlineData("rms_norm_eps", "0", "'rms_norm_eps' is 0, expected a number above 0")]
    [InlineData("rms_norm_eps", "1e999", "'rms_norm_eps' is 1e999")]
    [InlineData("hidden_act", "\"gelu\"", "'hidden_act' is \"gelu\", expected one of silu")]
    [InlineData("tie_word_embeddings", "1", "'tie_word_embeddings' is 1, expected true or false")]
    [InlineData("eos_token_id", "512", "'eos_token_id' is 512, expected token ids from 0 to 511")]
    [InlineData("eos_token_id", "[2, \"3\"]", "'eos_token_id' is [2,\"3\"]")]
    [InlineData("rope_scaling", "2", "'rope_scaling' is 2, expected an object")]
    [InlineData("rope_scaling", "{\"factor\": 2}", "'rope_scaling.rope_type' is missing")]
    [InlineData("rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 2}", "'rope_scaling.rope_type' is \"yarn\", expected one of default, linear, llama3")]
    [InlineData("rope_scaling", "{\"type\": \"linear\"}", "'rope_scaling.factor' is missing")]
    [InlineData("rope_parameters", "{\"rope_theta\": 1, \"partial_rotary_factor\": 0.5}", "'rope_parameters.partial_rotary_factor' is 0.5, expected 1")]
    [InlineData("quantization_config", "true", "'quantization_config' is true, expected an object")]
    public void A_wrong_field_is_named_in_one_line(string field, string? value, string expected)
    {
        var exception = Assert.Throws<CheckpointException>(() => Read(Llama, (field, value)));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Contains("config.json", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Theory]
    [InlineData("ffn_dim", null, "'ffn_dim' is missing")]
    [InlineData("activation_function", "\"silu\"", "expected one of relu, gelu")]
    [InlineData("do_layer_norm_before", "\"yes\"", "expected true or false")]
    public void A_wrong_field_of_OPT_is_named(string field, string? value, string expected)
        => Assert.Contains(expected, Assert.Throws<CheckpointException>(() => Read(Opt, (field, value))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("""{"model_type": "llama", "model_type": "opt"}""")]
    public void A_file_that_is_no_config_is_refused(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], text);
        Assert.Contains("config.json", Assert.Throws<CheckpointException>(() => ModelConfig.Read(folder["config.json"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named()
        => Assert.Contains("nowhere", Assert.Throws<CheckpointException>(() => ModelConfig.Read("nowhere/config.json")).Message, StringComparison.Ordinal);

    /// <summary>The base config with some fields replaced; null removes one.</summary>
    private static ModelConfig Read(string json, params (string Field, string? Value)[] changes)
    {
        JsonObject fields = JsonNode.Parse(json)!.AsObject();
        foreach ((string field, string? value) in changes)
        {
            fields.Remove(field);
            if (value is not null) fields.Add(field, JsonNode.Parse(value));
        }

        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], fields.ToJsonString());
        return ModelConfig.Read(folder["config.json"]);
    }
}
