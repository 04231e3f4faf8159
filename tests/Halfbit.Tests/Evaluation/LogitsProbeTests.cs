using Halfbit.Evaluation;
using Halfbit.Numerics;
using Halfbit.Tests.Models;

namespace Halfbit.Tests.Evaluation;

public sealed class LogitsProbeTests
{
    [Fact]
    public void Lists_the_largest_logits_of_every_position_and_all_of_some()
    {
        using var probe = new Probe("probe-qwen2");
        int[] tokens = [.. probe.Ids, .. probe.Ids];
        Matrix logits = probe.Decoder.Logits(tokens);
        IReadOnlyList<PositionLogits> positions = LogitsProbe.Measure(probe.Decoder, tokens, top: 7, fullPositions: [0, 100]);
        Assert.Equal(Enumerable.Range(0, 128), positions.Select(p => p.Position));
        foreach (PositionLogits position in positions)
        {
            float[] row = logits.Row(position.Position).ToArray();
            Assert.Equal(ModelReference.LogSumExpOf(row), position.LogSumExp, 1e-5);
            Assert.Equal(Enumerable.Range(0, row.Length).OrderByDescending(i => row[i]).Take(7).Select(i => new TokenLogit(i, row[i])), position.Top);
            Assert.Equal(position.Position is 0 or 100 ? row : null, position.Logits);
        }
    }

    [Fact]
    public void More_than_the_vocabulary_is_all_and_none_is_nothing()
    {
        using var probe = new Probe("probe-opt");
        Assert.Equal(512, LogitsProbe.Measure(probe.Decoder, [2], top: 1000)[0].Top.Count);
        Assert.Empty(LogitsProbe.Measure(probe.Decoder, [2], top: 0)[0].Top);
        Assert.Throws<ArgumentException>(() => LogitsProbe.Measure(probe.Decoder, [2], fullPositions: [1]));
    }
}
