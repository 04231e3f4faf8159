using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Models;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Evaluation.Scoring;

public sealed class RequestEncoderTests
{
    /// <summary>Empty contexts, blanks and newlines at the join, tokens across the join, non-ASCII, truncation, look-alikes of special tokens.</summary>
    [SharedTheory]
    [InlineData("bos", Harness.Current, BosRule.Auto)]
    [InlineData("bos", Harness.Current, BosRule.On)]
    [InlineData("nobos", Harness.Current, BosRule.Off)]
    [InlineData("v03_separate_nobos", Harness.Version03, BosRule.Auto)]
    public void Edge_cases_equal_the_reference(string field, Harness harness, BosRule bos)
    {
        string folder = TestData.SharedPath("models", "opt-6m");
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.SharedPath("reference", "zero-shot", "opt-6m-edge-cases.json")));
        var encoder = new RequestEncoder(Tokenizer.Load(folder), harness, bos, reference.RootElement.GetProperty("max_length").GetInt32());
        var scorer = new LikelihoodScorer(Decoder.Open(checkpoint));
        var scores = new LikelihoodScore[1];
        int truncated = 0;
        foreach (JsonElement entry in reference.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = entry.GetProperty("name").GetString()!;
            JsonElement expected = entry.GetProperty(field);
            EncodedRequest actual = encoder.Encode(new TaskRequest(entry.GetProperty("context").GetString()!, entry.GetProperty("continuation").GetString()!));
            Assert.Equal((name, expected.GetProperty("context_tokens").GetInt32()), (name, actual.ContextTokens));
            Assert.Equal((name, expected.GetProperty("truncated").GetInt32()), (name, actual.Truncated));
            Assert.Equal((name, expected.GetProperty("input_tokens").GetInt32()), (name, actual.Sequence.Inputs.Length));
            Assert.Equal(expected.GetProperty("cont_ids").Deserialize<int[]>(), actual.Sequence.Targets);
            int[] tail = expected.GetProperty("context_ids_tail").Deserialize<int[]>()!;
            int end = actual.Sequence.Inputs.Length - actual.Sequence.Targets.Length + 1;
            Assert.Equal(tail, actual.Sequence.Inputs[(end - tail.Length)..end]);
            scorer.Score([actual.Sequence], scores);
            Assert.True(Math.Abs(expected.GetProperty("ll").GetDouble() - scores[0].LogLikelihood) <= 1e-3, $"{name}: expected {expected.GetProperty("ll").GetDouble()}, actual {scores[0].LogLikelihood}");
            Assert.Equal((name, expected.GetProperty("greedy").GetBoolean()), (name, scores[0].IsGreedy));
            if (actual.Truncated > 0) truncated++;
        }

        Assert.Equal(2, truncated);
    }

    [Fact]
    public void Truncation_keeps_the_continuation_and_loses_BOS_first()
    {
        using var toy = new TemporaryFolder();
        Tokenizer tokenizer = Tokenizer.Load(ToyCheckpoint.Llama().Write(toy.Path)); // a token per byte, BOS 256
        EncodedRequest Encode(int maxLength) => new RequestEncoder(tokenizer, Harness.Current, BosRule.On, maxLength).Encode(new TaskRequest("ab", "cd"));
        int[] text = tokenizer.Encode("abcd", addSpecial: false);
        foreach ((int maxLength, int[] inputs, int truncated) in new (int, int[], int)[] { (4, [256, .. text[..3]], 0), (3, text[..3], 1), (2, text[1..3], 2) })
        {
            EncodedRequest request = Encode(maxLength);
            Assert.Equal(inputs, request.Sequence.Inputs);
            Assert.Equal(text[2..], request.Sequence.Targets);
            Assert.Equal((3, truncated), (request.ContextTokens, request.Truncated));
        }

        Assert.Contains("a continuation has 2 tokens, the model runs at most 1 at once", Assert.Throws<TaskException>(() => Encode(1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Encode(0));
    }

    [Fact]
    public void BOS_follows_the_tokenizer_the_version_and_the_rule()
    {
        using var folder = new TemporaryFolder();
        Tokenizer without = Tokenizer.Load(ToyCheckpoint.Llama().Write(folder["without"])); // does not add its BOS by itself
        Tokenizer with = Tokenizer.Load(TestData.Sample);
        foreach ((Tokenizer tokenizer, Harness harness, BosRule rule, bool expected) in new[]
        {
            (with, Harness.Current, BosRule.Auto, true), (with, Harness.Version03, BosRule.Auto, false), (with, Harness.Version03, BosRule.On, true), (with, Harness.Current, BosRule.Off, false),
            (without, Harness.Current, BosRule.Auto, false), (without, Harness.Current, BosRule.On, true),
        })
        {
            var encoder = new RequestEncoder(tokenizer, harness, rule, 50);
            Assert.Equal(expected, encoder.AddsBos);
            int[] inputs = encoder.Encode(new TaskRequest("a", " b")).Sequence.Inputs;
            Assert.Equal(expected, inputs[0] == tokenizer.BosId);
        }

        // Not twice where the text begins with it.
        var once = new RequestEncoder(with, Harness.Current, BosRule.On, 50);
        string bos = with.TokenText(with.BosId!.Value);
        Assert.NotEqual(with.BosId, once.Encode(new TaskRequest(bos + "a", " b")).Sequence.Inputs[0]);
    }

    [Fact]
    public void An_empty_context_needs_a_token_to_begin_with_and_a_continuation_one_of_its_own()
    {
        using var folder = new TemporaryFolder();
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Write(folder.Path);
        Tokenizer tokenizer = Tokenizer.Load(folder.Path);
        EncodedRequest empty = new RequestEncoder(tokenizer, Harness.Current, BosRule.Off, 50).Encode(new TaskRequest(string.Empty, "ab"));
        Assert.Equal([256, tokenizer.Encode("a", addSpecial: false)[0]], empty.Sequence.Inputs);
        Assert.Equal(1, empty.ContextTokens);
        Assert.Contains("has no token of its own", Assert.Throws<TaskException>(() => new RequestEncoder(tokenizer, Harness.Current, BosRule.Off, 50).Encode(new TaskRequest("a", string.Empty))).Message, StringComparison.Ordinal);

        toy.Config.Remove("bos_token_id");
        toy.Config.Remove("eos_token_id");
        toy.Write(folder.Path);
        File.WriteAllText(folder["tokenizer_config.json"], "{}");
        Tokenizer nameless = Tokenizer.Load(folder.Path);
        Assert.Null(nameless.BosId);
        Assert.Contains("neither BOS nor EOS", Assert.Throws<TaskException>(() => new RequestEncoder(nameless, Harness.Current, BosRule.On, 50)).Message, StringComparison.Ordinal);
        Assert.Contains("neither BOS nor EOS", Assert.Throws<TaskException>(() => new RequestEncoder(nameless, Harness.Current, BosRule.Auto, 50).Encode(new TaskRequest(string.Empty, "a"))).Message, StringComparison.Ordinal);
    }
}
