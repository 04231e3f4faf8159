using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Tests.Tokenization;

namespace Halfbit.Tests.Support;

/// <summary>A seeded two-block model in Hugging Face layout, with a byte-level tokenizer: small enough to be quantized in a fraction of a second.</summary>
internal sealed class ToyCheckpoint
{
    public const int Blocks = 2;
    public const int Context = 64;

    private readonly List<(string Name, long[] Shape, float[] Values)> tensors = [];
    private readonly Random random;

    private ToyCheckpoint(int seed, JsonObject config)
    {
        random = new Random(seed);
        Config = config;
    }

    public JsonObject Config { get; }

    /// <summary>F32 or F16.</summary>
    public ElementType Type { get; init; } = ElementType.F32;

    /// <summary>LLaMA: hidden 32, feed-forward 80 (no multiple of a block or word), grouped-query attention.</summary>
    public static ToyCheckpoint Llama(int seed = 1)
    {
        var toy = new ToyCheckpoint(seed, new JsonObject
        {
            ["model_type"] = "llama",
            ["vocab_size"] = 257,
            ["hidden_size"] = 32,
            ["intermediate_size"] = 80,
            ["num_hidden_layers"] = Blocks,
            ["num_attention_heads"] = 4,
            ["num_key_value_heads"] = 2,
            ["max_position_embeddings"] = Context,
            ["rms_norm_eps"] = 1e-5,
            ["tie_word_embeddings"] = false,
            ["bos_token_id"] = 256,
            ["eos_token_id"] = 256,
        });
        toy.Matrix("model.embed_tokens.weight", 257, 32, 1);
        for (int b = 0; b < Blocks; b++)
        {
            string name = $"model.layers.{b}.";
            toy.Vector(name + "input_layernorm.weight", 32, 1);
            toy.Matrix(name + "self_attn.q_proj.weight", 32, 32);
            toy.Matrix(name + "self_attn.k_proj.weight", 16, 32);
            toy.Matrix(name + "self_attn.v_proj.weight", 16, 32);
            toy.Matrix(name + "self_attn.o_proj.weight", 32, 32);
            toy.Vector(name + "post_attention_layernorm.weight", 32, 1);
            toy.Matrix(name + "mlp.gate_proj.weight", 80, 32);
            toy.Matrix(name + "mlp.up_proj.weight", 80, 32);
            toy.Matrix(name + "mlp.down_proj.weight", 32, 80);
        }

        toy.Vector("model.norm.weight", 32, 1);
        toy.Matrix("lm_head.weight", 257, 32);
        return toy;
    }

    /// <summary>OPT: biases, tied head, half precision.</summary>
    public static ToyCheckpoint Opt(int seed = 2)
    {
        var toy = new ToyCheckpoint(seed, new JsonObject
        {
            ["model_type"] = "opt",
            ["vocab_size"] = 257,
            ["hidden_size"] = 24,
            ["ffn_dim"] = 40,
            ["num_hidden_layers"] = Blocks,
            ["num_attention_heads"] = 3,
            ["max_position_embeddings"] = Context,
            ["bos_token_id"] = 256,
            ["eos_token_id"] = 256,
        })
        { Type = ElementType.F16 };
        toy.Matrix("model.decoder.embed_tokens.weight", 257, 24, 1);
        toy.Matrix("model.decoder.embed_positions.weight", Context + 2, 24, 0.3);
        for (int b = 0; b < Blocks; b++)
        {
            string name = $"model.decoder.layers.{b}.";
            foreach (string projection in (string[])["q_proj", "k_proj", "v_proj", "out_proj"]) toy.Linear(name + "self_attn." + projection, 24, 24);
            toy.Linear(name + "fc1", 40, 24);
            toy.Linear(name + "fc2", 24, 40);
            toy.Norm(name + "self_attn_layer_norm", 24);
            toy.Norm(name + "final_layer_norm", 24);
        }

        toy.Norm("model.decoder.final_layer_norm", 24);
        return toy;
    }

    /// <summary>The values of a tensor, to be changed before the model is written.</summary>
    public float[] Values(string name) => tensors.Single(t => t.Name == name).Values;

    public void Remove(string name) => tensors.RemoveAll(t => t.Name == name);

    /// <summary>Gives a tensor another shape; its values are cut or repeated.</summary>
    public void Reshape(string name, params long[] shape)
    {
        int index = tensors.FindIndex(t => t.Name == name);
        float[] old = tensors[index].Values;
        tensors[index] = (name, shape, [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (p, d) => p * d)).Select(k => old[k % old.Length])]);
    }

    /// <summary>Writes the folder and returns its path.</summary>
    public string Write(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), Config.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), new ToyTokenizer
        {
            ExtraTokens = ["<s>"],
            AddedTokens = """[{"id":256,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}]""",
        }.Json());
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"bos_token":"<s>","eos_token":"<s>"}""");
        using var writer = new SafetensorsWriter(Path.Combine(folder, "model.safetensors"), [.. tensors.Select(t => new TensorDeclaration(t.Name, Type, t.Shape))]);
        foreach ((_, _, float[] values) in tensors)
        {
            if (Type == ElementType.F32) writer.Write(MemoryMarshal.AsBytes<float>(values));
            else writer.Write(MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values, v => (Half)v)));
        }

        writer.Complete();
        return folder;
    }

    /// <summary>Printable text of some length, the same for the same seed.</summary>
    public static string Text(int length, int seed = 3)
    {
        var random = new Random(seed);
        return string.Concat(Enumerable.Range(0, length).Select(_ => random.Next(5) == 0 ? ' ' : (char)('a' + random.Next(26))));
    }

    private void Linear(string name, int rows, int columns)
    {
        Matrix(name + ".weight", rows, columns);
        Vector(name + ".bias", rows, 0);
    }

    private void Norm(string name, int size)
    {
        Vector(name + ".weight", size, 1);
        Vector(name + ".bias", size, 0);
    }

    private void Matrix(string name, int rows, int columns, double deviation = 0)
        => tensors.Add((name, [rows, columns], Noise(rows * columns, 0, deviation == 0 ? 1 / Math.Sqrt(columns) : deviation)));

    private void Vector(string name, int size, double mean) => tensors.Add((name, [size], Noise(size, mean, 0.1)));

    private float[] Noise(int count, double mean, double deviation)
        => [.. Enumerable.Range(0, count).Select(_ => (float)(mean + (deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))))];
}
