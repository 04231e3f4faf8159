using Halfbit.Generation;
using Halfbit.Numerics;
using Halfbit.Tests.Models;

namespace Halfbit.Tests.Generation;

public sealed class SelfGenerationTests
{
    [Theory]
    [InlineData("probe-llama2-gqa")]
    [InlineData("probe-opt350")]
    public void Batches_and_threads_change_no_token(string name)
    {
        using var probe = new Probe(name);
        SelfGenerationOptions options = new() { Count = 9, Length = 40, Seed = 5 };
        int[][] expected = SelfGeneration.Sample(probe.Decoder, options with { MaxBatch = 1 });
        Assert.Equal(9, expected.Select(s => string.Join(',', s)).Distinct().Count());
        Assert.All(expected, s => Assert.Equal((40, probe.Decoder.Config.BosTokenId), (s.Length, s[0])));

        int threads = RowParallel.Threads;
        try
        {
            foreach (int count in (int[])[1, 2])
            {
                RowParallel.Threads = count;
                Assert.Equal(expected, SelfGeneration.Sample(probe.Decoder, options));
                Assert.Equal(expected, SelfGeneration.Sample(probe.Decoder, options with { MaxBatch = 4 }));
                Assert.Equal(expected, SelfGeneration.Sample(probe.Decoder, options with { CacheBytes = 1 }));
            }
        }
        finally
        {
            RowParallel.Threads = threads;
        }

        Assert.Equal(expected[..3], SelfGeneration.Sample(probe.Decoder, options with { Count = 3 }));
        Assert.NotEqual(expected, SelfGeneration.Sample(probe.Decoder, options with { Seed = 6 }));
    }

    [Fact]
    public void First_tokens_follow_the_distribution_of_the_model()
    {
        const int Count = 3000;
        using var probe = new Probe("probe-opt");
        ReadOnlySpan<float> expected = new Sampler(new SamplingOptions { Temperature = 1 }).Probabilities(probe.Decoder.Logits([2]).Row(0));
        int[][] samples = SelfGeneration.Sample(probe.Decoder, new SelfGenerationOptions { Count = Count, Length = 2 });
        for (int id = 0; id < expected.Length; id++)
        {
            double share = samples.Count(s => s[1] == id) / (double)Count;
            double sigma = Math.Sqrt(expected[id] * (1 - expected[id]) / Count);
            Assert.True(Math.Abs(share - expected[id]) < (5 * sigma) + (1.0 / Count), $"id {id}: share {share}, expected {expected[id]}");
        }
    }

    [Fact]
    public void Greedy_first_tokens_are_the_same_in_all_sequences()
    {
        using var probe = new Probe("probe-opt");
        int[][] samples = SelfGeneration.Sample(probe.Decoder, new SelfGenerationOptions { Count = 6, Length = 30, GreedyFirst = 3 });
        GenerationResult greedy = new Generator(probe.Decoder).Generate([2], new GenerationOptions { MaxNewTokens = 3, StopTokens = [] });
        Assert.All(samples, s => Assert.Equal(greedy.Ids, s[1..4]));
        Assert.Equal(6, samples.Select(s => string.Join(',', s)).Distinct().Count());
    }

    [Fact]
    public void Progress_ends_at_the_number_of_tokens_and_cancelling_stops()
    {
        using var probe = new Probe("probe-opt");
        (long Done, long All) last = default;
        SelfGenerationOptions options = new() { Count = 5, Length = 20, MaxBatch = 2 };
        SelfGeneration.Sample(probe.Decoder, options, (done, all) => last = (done, all));
        Assert.Equal((100, 100), last);
        Assert.Throws<OperationCanceledException>(() => SelfGeneration.Sample(probe.Decoder, options, null, new CancellationToken(canceled: true)));
        Assert.Throws<ArgumentOutOfRangeException>(() => SelfGeneration.Sample(probe.Decoder, options with { Length = 1 }));
    }
}
