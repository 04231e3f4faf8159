using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Generation;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Tests.Models;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Generation;

public sealed class GeneratorTests
{
    [SharedTheory]
    [InlineData("llama-13m")]
    [InlineData("opt-6m")]
    public void Greedy_continuations_of_the_trained_models_equal_the_reference(string model)
    {
        string folder = TestData.SharedPath("models", model);
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        var generator = new Generator(Decoder.Open(checkpoint));
        Assert.NotEmpty(reference.RootElement.GetProperty("greedy").EnumerateArray());
        foreach (JsonElement item in reference.RootElement.GetProperty("greedy").EnumerateArray())
        {
            int[] expected = item.GetProperty("new_ids").Deserialize<int[]>()!;
            GenerationResult result = generator.Generate(
                item.GetProperty("prompt_ids").Deserialize<int[]>()!, new GenerationOptions { MaxNewTokens = expected.Length, StopTokens = [] });
            Assert.Equal(expected, result.Ids);
            Assert.Equal(GenerationEnd.MaximumReached, result.End);
        }
    }

    [Theory]
    [InlineData("probe-mistral")]
    [InlineData("probe-opt")]
    public void Greedy_tokens_are_the_largest_logits_of_the_whole_text(string name)
    {
        using var probe = new Probe(name);
        IReadOnlyList<int> ids = Generate(probe, new GenerationOptions { MaxNewTokens = 12, StopTokens = [] }).Ids;
        Matrix logits = probe.Decoder.Logits([.. probe.Ids, .. ids]);
        for (int t = 0; t < ids.Count; t++) Assert.Equal(Sampler.ArgMax(logits.Row(probe.Ids.Length - 1 + t)), ids[t]);
    }

    [Fact]
    public void The_length_of_prompt_pieces_changes_nothing()
    {
        using var probe = new Probe("probe-llama3");
        GenerationOptions options = new() { MaxNewTokens = 20, StopTokens = [], Sampling = new() { Temperature = 1 }, Seed = 3 };
        IReadOnlyList<int> expected = Generate(probe, options).Ids;
        foreach (int piece in (int[])[1, 7, 63, 64]) Assert.Equal(expected, Generate(probe, options with { PromptPiece = piece }).Ids);
    }

    [Fact]
    public void The_seed_decides_the_text()
    {
        using var probe = new Probe("probe-llama3");
        GenerationOptions options = new() { MaxNewTokens = 20, StopTokens = [], Sampling = new() { Temperature = 2 }, Seed = 3 };
        Assert.Equal(Generate(probe, options).Ids, Generate(probe, options).Ids);
        Assert.NotEqual(Generate(probe, options).Ids, Generate(probe, options with { Seed = 4 }).Ids);
    }

    [Fact]
    public void A_stop_token_ends_the_text_and_is_not_part_of_it()
    {
        using var probe = new Probe("probe-llama2-gqa");
        GenerationOptions options = new() { MaxNewTokens = 20, StopTokens = [], Sampling = new() { Temperature = 2 }, Seed = 1 };
        IReadOnlyList<int> all = Generate(probe, options).Ids;
        int stop = all[7];
        int first = all.ToList().IndexOf(stop);
        GenerationResult stopped = Generate(probe, options with { StopTokens = [stop] });
        Assert.Equal(GenerationEnd.Stopped, stopped.End);
        Assert.Equal(all.Take(first), stopped.Ids);
    }

    [Fact]
    public void Text_ends_where_the_context_is_full()
    {
        using var probe = new Probe("probe-opt");
        GenerationResult result = Generate(probe, new GenerationOptions { MaxNewTokens = 1000, StopTokens = [] });
        Assert.Equal((GenerationEnd.ContextFull, 64), (result.End, result.Ids.Count));
        result = Generate(probe, new GenerationOptions { MaxNewTokens = 1000, StopTokens = [], ContextLength = 70 });
        Assert.Equal((GenerationEnd.ContextFull, 6), (result.End, result.Ids.Count));
        Assert.Contains("context 64", Assert.Throws<ArgumentException>(() => Generate(probe, new GenerationOptions { ContextLength = 64 })).Message, StringComparison.Ordinal);
        Assert.Contains("128", Assert.Throws<ArgumentException>(() => Generate(probe, new GenerationOptions { ContextLength = 129 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_are_streamed_and_can_be_interrupted()
    {
        using var probe = new Probe("probe-opt");
        var seen = new List<int>();
        GenerationOptions options = new() { MaxNewTokens = 10, StopTokens = [] };
        Assert.Equal(new Generator(probe.Decoder).Generate(probe.Ids, options, seen.Add).Ids, seen);

        using var source = new CancellationTokenSource();
        seen.Clear();
        Assert.Throws<OperationCanceledException>(() => new Generator(probe.Decoder).Generate(
            probe.Ids, options,
            id =>
            {
                seen.Add(id);
                if (seen.Count == 3) source.Cancel();
            },
            source.Token));
        Assert.Equal(3, seen.Count);
    }

    [Theory]
    [InlineData("probe-llama2-gqa", 256)]
    [InlineData("probe-mistral", 256)]
    [InlineData("probe-opt", 128)]
    public void The_whole_context_can_be_filled_and_its_last_tokens_are_right(string name, int context)
    {
        using var probe = new Probe(name);
        GenerationResult result = Generate(probe, new GenerationOptions { MaxNewTokens = int.MaxValue, StopTokens = [] });
        Assert.Equal((GenerationEnd.ContextFull, context - 64), (result.End, result.Ids.Count));
        Matrix logits = probe.Decoder.Logits([.. probe.Ids, .. result.Ids]);
        for (int t = 63; t < context - 1; t++) Assert.Equal(Sampler.ArgMax(logits.Row(t)), result.Ids[t - 63]);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 1)]
    public void A_long_prompt_is_given_up_within_a_pass(int pass, int block)
    {
        using var source = new CancellationTokenSource();
        var passes = new int[2];
        using var probe = new Probe("probe-llama2-gqa", (tensor, _, _) => tensor switch
        {
            "model.layers.0.mlp.down_proj.weight" => new Counted(Original(tensor), () => Pass(0)),
            "model.layers.1.mlp.down_proj.weight" => new Counted(Original(tensor), () => Pass(1)),
            _ => null,
        });
        Assert.Throws<OperationCanceledException>(() => new Generator(probe.Decoder).Generate(probe.Ids, new GenerationOptions { PromptPiece = 8 }, cancellation: source.Token));
        Assert.Equal([pass, block == 1 ? pass : pass - 1], passes); // not a block more

        // The decoder is as good as before.
        using var plain = new Probe("probe-llama2-gqa");
        GenerationOptions options = new() { MaxNewTokens = 5, StopTokens = [] };
        Assert.Equal(Generate(plain, options).Ids, Generate(probe, options).Ids);

        void Pass(int at)
        {
            if (++passes[at] == pass && at == block) source.Cancel();
        }

        static Matrix Original(string tensor)
        {
            using var probe = new Probe("probe-llama2-gqa");
            return Matrix.Expand(probe.Decoder.Blocks.SelectMany(b => b.Linears).Single(l => l.Name + ".weight" == tensor).Weights);
        }
    }

    /// <summary>Weights that tell of each product.</summary>
    private sealed class Counted(Matrix W, Action onProduct) : IWeightProduct
    {
        public int Rows => W.Rows;

        public int Columns => W.Columns;

        public void ReadRows(int firstRow, MatrixView<float> destination) => W.ReadRows(firstRow, destination);

        public void MultiplyTransposed(MatrixView<float> X, MatrixView<float> Y)
        {
            onProduct();
            DenseProduct.MultiplyTransposed(X, W.View, Y);
        }
    }

    [Fact]
    public void Misuse_is_refused()
    {
        using var probe = new Probe("probe-opt");
        var generator = new Generator(probe.Decoder);
        Assert.Throws<ArgumentException>(() => generator.Generate([], new GenerationOptions()));
        Assert.Throws<ArgumentException>(() => generator.Generate([1], new GenerationOptions { MaxNewTokens = 0 }));
        Assert.Throws<ArgumentException>(() => generator.Generate([1], new GenerationOptions { PromptPiece = 0 }));
        Assert.Throws<ArgumentException>(() => generator.Generate([512], new GenerationOptions()));
    }

    private static GenerationResult Generate(Probe probe, GenerationOptions options) => new Generator(probe.Decoder).Generate(probe.Ids, options);
}
