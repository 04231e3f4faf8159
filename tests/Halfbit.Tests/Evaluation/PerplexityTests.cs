using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Tests.Models;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Evaluation;

public sealed class PerplexityTests
{
    [Theory]
    [InlineData("probe-llama2-gqa", 64)]
    [InlineData("probe-mistral", 50)]
    [InlineData("probe-opt", 2)]
    public void Equals_the_definition_window_by_window(string name, int window)
    {
        using var probe = new Probe(name);
        int[] tokens = Stream(probe, 200);
        double sum = 0;
        int windows = 200 / window;
        for (int w = 0; w < windows; w++)
        {
            Matrix logits = probe.Decoder.Logits(tokens.AsSpan(w * window, window));
            for (int t = 0; t + 1 < window; t++) sum += ModelReference.LogSumExpOf(logits.Row(t)) - logits[t, tokens[(w * window) + t + 1]];
        }

        PerplexityResult result = Perplexity.Measure(probe.Decoder, tokens, new PerplexityOptions { Window = window });
        Assert.Equal((window, windows, (long)windows * (window - 1)), (result.Window, result.Windows, result.PredictedTokens));
        Assert.Equal(sum / result.PredictedTokens, result.MeanNll, 1e-6);
        Assert.Equal(Math.Exp(result.MeanNll), result.Value);
        Assert.Null(result.KlDivergence);
        Assert.Null(result.Top1Agreement);
    }

    [Fact]
    public void Batches_and_threads_change_no_bit()
    {
        using var probe = new Probe("probe-qwen2");
        using var reference = new Probe("probe-llama3");
        int[] tokens = Stream(probe, 300);
        PerplexityOptions options = new() { Window = 32 };
        PerplexityResult expected = Perplexity.Measure(probe.Decoder, tokens, options with { BatchRows = 1 }, reference.Decoder);
        int threads = RowParallel.Threads;
        try
        {
            foreach (int count in (int[])[1, 2])
            {
                RowParallel.Threads = count;
                Assert.Equal(expected, Perplexity.Measure(probe.Decoder, tokens, options, reference.Decoder));
                Assert.Equal(expected, Perplexity.Measure(probe.Decoder, tokens, options with { BatchRows = 100 }, reference.Decoder));
            }
        }
        finally
        {
            RowParallel.Threads = threads;
        }
    }

    [Fact]
    public void Divergence_from_a_reference_equals_its_definition()
    {
        using var probe = new Probe("probe-qwen2");
        using var reference = new Probe("probe-llama3");
        int[] tokens = Stream(probe, 100);
        double divergence = 0;
        int agreements = 0;
        for (int w = 0; w < 2; w++)
        {
            Matrix q = probe.Decoder.Logits(tokens.AsSpan(w * 50, 50));
            Matrix p = reference.Decoder.Logits(tokens.AsSpan(w * 50, 50));
            for (int t = 0; t < 49; t++)
            {
                double logP = ModelReference.LogSumExpOf(p.Row(t));
                double logQ = ModelReference.LogSumExpOf(q.Row(t));
                for (int id = 0; id < p.Columns; id++) divergence += Math.Exp(p[t, id] - logP) * (p[t, id] - logP - q[t, id] + logQ);
                if (p.Row(t).IndexOf(p.Row(t).ToArray().Max()) == q.Row(t).IndexOf(q.Row(t).ToArray().Max())) agreements++;
            }
        }

        PerplexityResult result = Perplexity.Measure(probe.Decoder, tokens, new PerplexityOptions { Window = 50 }, reference.Decoder);
        Assert.Equal(divergence / 98, result.KlDivergence!.Value, 1e-5);
        Assert.Equal(agreements / 98.0, result.Top1Agreement!.Value);
        Assert.InRange(result.KlDivergence.Value, 0.01, 100);
    }

    [Fact]
    public void A_model_does_not_diverge_from_itself()
    {
        using var probe = new Probe("probe-opt");
        using var same = new Probe("probe-opt");
        PerplexityResult result = Perplexity.Measure(probe.Decoder, Stream(probe, 128), reference: same.Decoder);
        Assert.Equal((0.0, 1.0, 128), (result.KlDivergence, result.Top1Agreement, result.Window));
    }

    [Fact]
    public void The_limit_cuts_the_stream_and_progress_reaches_the_end()
    {
        using var probe = new Probe("probe-opt");
        int[] tokens = Stream(probe, 300);
        var progress = new List<PerplexityProgress>();
        PerplexityResult limited = Perplexity.Measure(
            probe.Decoder, tokens, new PerplexityOptions { Window = 32, TokensLimit = 150, BatchRows = 64 }, progress: progress.Add);
        Assert.Equal(Perplexity.Measure(probe.Decoder, tokens.AsSpan(0, 128), new PerplexityOptions { Window = 32 }), limited);
        Assert.Equal([2, 4], progress.Select(p => p.Windows));
        Assert.Equal(limited.Value, progress[^1].Perplexity);
    }

    [Fact]
    public void Logits_that_are_not_finite_are_an_error_that_names_the_window()
    {
        using var probe = new Probe("probe-llama2-gqa");
        LinearLayer head = probe.Decoder.Head;
        Matrix damaged = Matrix.Expand(head.Weights);
        damaged[7, 3] = float.NaN;
        head.Weights = damaged;
        var exception = Assert.Throws<NumericsException>(() => Perplexity.Measure(probe.Decoder, Stream(probe, 100), new PerplexityOptions { Window = 20 }));
        Assert.Contains("window 0", exception.Message, StringComparison.Ordinal);
        Assert.Throws<NumericsException>(() => LogitsProbe.Measure(probe.Decoder, [1, 2, 3]));
    }

    [Fact]
    public void Misuse_is_refused()
    {
        using var probe = new Probe("probe-opt");
        int[] tokens = Stream(probe, 100);
        Assert.Contains("100 tokens", Assert.Throws<ArgumentException>(() => Perplexity.Measure(probe.Decoder, tokens)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Perplexity.Measure(probe.Decoder, tokens, new PerplexityOptions { Window = 1 }));
        Assert.Throws<ArgumentException>(() => Perplexity.Measure(probe.Decoder, Stream(probe, 400), new PerplexityOptions { Window = 200 }));
        Assert.Throws<OperationCanceledException>(() => Perplexity.Measure(
            probe.Decoder, tokens, new PerplexityOptions { Window = 20 }, cancellation: new CancellationToken(canceled: true)));
    }

    [SharedFact]
    public void Perplexity_of_a_trained_model_on_a_whole_book_equals_the_reference()
    {
        string folder = TestData.SharedPath("models", "opt-6m");
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        JsonElement expected = reference.RootElement.GetProperty("perplexity").GetProperty("books.test");
        int[] text = Tokenizer.Load(folder).Encode(File.ReadAllText(TestData.SharedPath("text", "books.test.txt")), addSpecial: false);
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        Decoder decoder = Decoder.Open(checkpoint);
        PerplexityResult result = Perplexity.Measure(decoder, [decoder.Config.BosTokenId!.Value, .. text]);
        Assert.Equal(expected.GetProperty("tokens_in_file_incl_bos").GetInt32(), text.Length + 1);
        Assert.Equal((expected.GetProperty("windows").GetInt32(), expected.GetProperty("predicted_tokens").GetInt64()), (result.Windows, result.PredictedTokens));
        Assert.Equal(expected.GetProperty("mean_nll").GetDouble(), result.MeanNll, 1e-5);
    }

    /// <summary>Seeded random ids after BOS.</summary>
    private static int[] Stream(Probe probe, int count)
    {
        var random = new PythonRandom(11);
        return [probe.Decoder.Config.BosTokenId!.Value, .. Enumerable.Range(1, count - 1).Select(_ => (int)random.NextInclusive(0, 511))];
    }
}
