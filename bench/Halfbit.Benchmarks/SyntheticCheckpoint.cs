using System.Globalization;
using System.Runtime.InteropServices;
using Halfbit.Checkpoints;

namespace Halfbit.Benchmarks;

/// <summary>Writes a LLaMA checkpoint with the shapes of the 7B model, a few blocks and seeded random weights in F16: size without a download.</summary>
internal static class SyntheticCheckpoint
{
    private const int Hidden = 4096;
    private const int FeedForward = 11008;
    private const int Heads = 32;
    private const int Vocabulary = 32000;

    public static int Run(string[] args)
    {
        if (args.Length is 0 or > 2)
        {
            Console.Error.WriteLine("usage: synthetic OUT [BLOCKS]");
            return 2;
        }

        int blocks = args.Length == 2 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 2;
        Directory.CreateDirectory(args[0]);
        List<TensorDeclaration> tensors = Declare(blocks);
        using (var writer = new SafetensorsWriter(Path.Combine(args[0], "model.safetensors"), tensors, new Dictionary<string, string> { ["format"] = "pt" }))
        {
            var random = new Random(7);
            foreach (TensorDeclaration tensor in tensors) Fill(writer, tensor, random);
            writer.Complete();
        }

        AtomicFile.WriteText(Path.Combine(args[0], "config.json"), $$"""
            {
              "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": {{Vocabulary}}, "hidden_size": {{Hidden}},
              "intermediate_size": {{FeedForward}}, "num_hidden_layers": {{blocks}}, "num_attention_heads": {{Heads}}, "num_key_value_heads": {{Heads}},
              "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
              "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float16"
            }

            """);
        Console.WriteLine($"{args[0]}: {blocks} blocks of LLaMA-7B shapes, {new FileInfo(Path.Combine(args[0], "model.safetensors")).Length / 1e9:F2} GB");
        return 0;
    }

    private static List<TensorDeclaration> Declare(int blocks)
    {
        var tensors = new List<TensorDeclaration> { Weight("model.embed_tokens", Vocabulary, Hidden) };
        for (int b = 0; b < blocks; b++)
        {
            string block = string.Create(CultureInfo.InvariantCulture, $"model.layers.{b}.");
            foreach (string name in (string[])["q_proj", "k_proj", "v_proj", "o_proj"]) tensors.Add(Weight($"{block}self_attn.{name}", Hidden, Hidden));
            tensors.Add(Weight(block + "mlp.gate_proj", FeedForward, Hidden));
            tensors.Add(Weight(block + "mlp.up_proj", FeedForward, Hidden));
            tensors.Add(Weight(block + "mlp.down_proj", Hidden, FeedForward));
            tensors.Add(new TensorDeclaration(block + "input_layernorm.weight", ElementType.F16, [Hidden]));
            tensors.Add(new TensorDeclaration(block + "post_attention_layernorm.weight", ElementType.F16, [Hidden]));
        }

        tensors.Add(new TensorDeclaration("model.norm.weight", ElementType.F16, [Hidden]));
        tensors.Add(Weight("lm_head", Vocabulary, Hidden));
        return tensors;
    }

    private static TensorDeclaration Weight(string name, int rows, int columns) => new(name + ".weight", ElementType.F16, [rows, columns]);

    /// <summary>Norms are 1; weights are sums of four uniform numbers, nearly Gaussian, with standard deviation 0.02.</summary>
    private static void Fill(SafetensorsWriter writer, TensorDeclaration tensor, Random random)
    {
        var row = new Half[Hidden];
        long count = tensor.ByteCount / 2;
        bool isNorm = tensor.Shape.Count == 1;
        for (long start = 0; start < count; start += row.Length)
        {
            Span<Half> piece = row.AsSpan(0, (int)Math.Min(row.Length, count - start));
            for (int j = 0; j < piece.Length; j++) piece[j] = isNorm ? Half.One : (Half)(0.02 * Normal(random));
            writer.Write(MemoryMarshal.AsBytes(piece));
        }
    }

    private static double Normal(Random random)
    {
        long bits = random.NextInt64();
        double sum = (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + ((bits >> 47) & 0xFFFF);
        return ((sum / 65536) - 2) * Math.Sqrt(3);
    }
}
