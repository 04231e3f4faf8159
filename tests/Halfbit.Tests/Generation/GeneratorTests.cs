using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Generation;
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
