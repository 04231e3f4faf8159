using Halfbit.Evaluation;
using Halfbit.Tests.Models;

namespace Halfbit.Tests.Evaluation;

public sealed class GenerationThroughputTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_measured_row_counts_all_sequences(int batch)
    {
        using var probe = new Probe("probe-llama3");
        GenerationRow row = GenerationThroughput.Measure(probe.Decoder, batch, promptTokens: 5, newTokens: 3, CancellationToken.None) with { WeightCount = 1000, WeightBytes = 250, FileBytes = 300 };
        Assert.Equal((batch, probe.Decoder.Blocks.Count, 2.0), (row.Batch, row.Blocks, row.BitsPerWeight));
        Assert.Equal(batch * probe.Decoder.NewCache(10).ByteCount, row.CacheBytes);
        Assert.Equal(row.ResidentBytes, row.FileBytes + row.CacheBytes + row.OtherBytes);
        Assert.True(row.TableBytes > 0 && row.OtherBytes > 0, $"{row}");
        foreach (double number in (double[])[row.PromptTokensPerSecond, row.BlockSeconds, row.HeadSeconds, row.DecodeTokensPerSecond, row.WeightsPerSecond, row.WholeTokensPerSecond])
            Assert.True(double.IsFinite(number) && number > 0, $"{row}");
    }

    [Fact]
    public void Tokens_per_second_are_those_of_all_sequences_together()
    {
        var row = new GenerationRow
        {
            Form = "sign", Blocks = 4, Threads = 2, Batch = 8, WeightCount = 1000, PromptTokensPerSecond = 1, BlockSeconds = 0.01, HeadSeconds = 0.04,
            WeightBytes = 125, TableBytes = 10, FileBytes = 137, CacheBytes = 20, ResidentBytes = 200,
        };
        Assert.Equal(100, row.DecodeTokensPerSecond, 1e-9);
        Assert.Equal(25, row.WholeTokensPerSecond, 1e-9);
        Assert.Equal(200_000, row.WeightsPerSecond, 1e-6);
        Assert.Equal((1.0, 43L), (row.BitsPerWeight, row.OtherBytes));
    }

    [Fact]
    public void A_cancelled_measurement_stops()
    {
        using var probe = new Probe("probe-llama3");
        Assert.Throws<OperationCanceledException>(() => GenerationThroughput.Measure(probe.Decoder, 1, 5, 3, new CancellationToken(canceled: true)));
    }
}
