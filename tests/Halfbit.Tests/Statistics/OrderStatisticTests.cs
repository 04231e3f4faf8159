using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Statistics;

public sealed class OrderStatisticTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5)]
    public void Every_index_gives_what_sorting_gives(int kind)
    {
        var random = new Random(kind);
        float[] scores = [.. Enumerable.Range(0, 700).Select(k => kind switch
        {
            1 => (float)Math.Abs(ToyLayer.Gauss(random)),
            2 => random.Next(4), // ties
            3 => (float)Math.Exp(40 * ToyLayer.Gauss(random)), // subnormal to infinite
            4 => 1f + (k % 50 * 1e-7f), // all in one bucket
            _ => random.Next(2) == 0 ? 0f : -0f,
        })];
        float[] sorted = [.. scores.Order()];
        for (int k = 0; k < scores.Length; k++) Assert.Equal(sorted[k], OrderStatistic.Select(scores, k));
    }

    [Fact]
    public void An_index_outside_is_refused()
    {
        Assert.Equal(5f, OrderStatistic.Select([5f], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => OrderStatistic.Select([5f], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => OrderStatistic.Select([5f], -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => OrderStatistic.Select([], 0));
    }
}
