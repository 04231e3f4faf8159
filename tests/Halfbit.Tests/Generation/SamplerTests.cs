using Halfbit.Generation;
using Halfbit.Numerics;
using Halfbit.Tests.Models;

namespace Halfbit.Tests.Generation;

public sealed class SamplerTests
{
    private static readonly float[] Logits = [.. RandomMatrix.Create(1, 300, 5).Data.Select(v => v * 4)];

    [Fact]
    public void Greedy_takes_the_largest_and_the_lowest_id_among_equals()
    {
        Assert.Equal(2, Sampler.ArgMax([1, float.NegativeInfinity, 7, 7, 3]));
        Assert.Equal(2, new Sampler(new SamplingOptions()).Choose([1, -5, 7, 7, 3], new PythonRandom(0)));
        Assert.Equal(0, Sampler.ArgMax(new float[100]));
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.5)]
    [InlineData(3.0)]
    public void Temperature_divides_the_logits(double temperature)
    {
        double[] expected = Softmax(Logits, temperature);
        float[] actual = new Sampler(new SamplingOptions { Temperature = temperature }).Probabilities(Logits).ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - actual[i]) <= (5e-6 * expected[i]) + 1e-12, $"id {i}: {expected[i]}, {actual[i]}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(299)]
    public void Top_k_keeps_exactly_the_k_most_likely(int k)
    {
        float[] actual = new Sampler(new SamplingOptions { Temperature = 1, TopK = k }).Probabilities(Logits).ToArray();
        int[] kept = [.. Enumerable.Range(0, 300).OrderByDescending(i => Logits[i]).Take(k).Order()];
        Assert.Equal(kept, Enumerable.Range(0, 300).Where(i => actual[i] > 0));
        Assert.Equal(1, actual.Sum(v => (double)v), 1e-5);
        double ratio = Math.Exp(Logits[kept[0]] - Logits[kept[^1]]);
        Assert.Equal(1, actual[kept[0]] / (ratio * actual[kept[^1]]), 1e-5);
    }

    [Fact]
    public void Top_k_keeps_the_lowest_ids_among_equals()
    {
        float[] actual = new Sampler(new SamplingOptions { Temperature = 1, TopK = 3 }).Probabilities([0, 1, 0, 0, 1, 0]).ToArray();
        Assert.Equal([0, 1, 4], Enumerable.Range(0, 6).Where(i => actual[i] > 0));
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(0.999)]
    public void Top_p_keeps_the_smallest_set_that_reaches_the_share(double share)
    {
        double[] full = Softmax(Logits, 1);
        int[] order = [.. Enumerable.Range(0, 300).OrderByDescending(i => full[i])];
        double sum = 0;
        var kept = new List<int>();
        for (int k = 0; k < 300 && sum < share; k++)
        {
            kept.Add(order[k]);
            sum += full[order[k]];
        }

        float[] actual = new Sampler(new SamplingOptions { Temperature = 1, TopP = share }).Probabilities(Logits).ToArray();
        Assert.Equal(kept.Order(), Enumerable.Range(0, 300).Where(i => actual[i] > 0));
        foreach (int id in kept) Assert.Equal(full[id] / sum, actual[id], 1e-5);
    }

    [Fact]
    public void Top_k_is_applied_before_top_p()
    {
        // After top-k 2 the shares are 0.6 and 0.4, so that 0.55 is reached by the first alone; of all three it is 0.5 only.
        float[] logits = [MathF.Log(0.3f), MathF.Log(0.2f), MathF.Log(0.1f)];
        float[] actual = new Sampler(new SamplingOptions { Temperature = 1, TopK = 2, TopP = 0.55 }).Probabilities(logits).ToArray();
        Assert.Equal([1, 0, 0], actual);
    }

    [Fact]
    public void Draws_follow_the_running_sum_in_order_of_ids()
    {
        float[] probabilities = [0, 0.25f, 0, 0.5f, 0.25f, 0];
        Assert.Equal(1, Sampler.Draw(probabilities, 0));
        Assert.Equal(1, Sampler.Draw(probabilities, 0.2499));
        Assert.Equal(3, Sampler.Draw(probabilities, 0.25));
        Assert.Equal(3, Sampler.Draw(probabilities, 0.7499));
        Assert.Equal(4, Sampler.Draw(probabilities, 0.75));
        Assert.Equal(4, Sampler.Draw(probabilities, 0.9999999999999999));
    }

    [Fact]
    public void Frequencies_of_many_draws_are_the_probabilities()
    {
        const int Draws = 20000;
        float[] logits = [2, 1, 0, -1, 0.5f];
        double[] expected = Softmax(logits, 1.5);
        var sampler = new Sampler(new SamplingOptions { Temperature = 1.5 });
        var random = new PythonRandom(42);
        var counts = new int[5];
        for (int i = 0; i < Draws; i++) counts[sampler.Choose(logits, random)]++;
        for (int id = 0; id < 5; id++)
        {
            double sigma = Math.Sqrt(expected[id] * (1 - expected[id]) / Draws);
            Assert.True(Math.Abs(((double)counts[id] / Draws) - expected[id]) < 5 * sigma, $"id {id}: {counts[id]} of {Draws}, expected share {expected[id]}");
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Logits_that_are_not_finite_are_an_error(float bad)
    {
        Assert.Throws<NumericsException>(() => Sampler.ArgMax([1, bad, 2]));
        Assert.Throws<NumericsException>(() => new Sampler(new SamplingOptions { Temperature = 1 }).Choose([1, bad, 2], new PythonRandom(0)));
    }

    [Theory]
    [InlineData(-1, 0, 1)]
    [InlineData(double.NaN, 0, 1)]
    [InlineData(double.PositiveInfinity, 0, 1)]
    [InlineData(1, -1, 1)]
    [InlineData(1, 0, 0)]
    [InlineData(1, 0, 1.5)]
    public void Options_outside_their_range_are_refused(double temperature, int topK, double topP)
        => Assert.Throws<ArgumentException>(() => new Sampler(new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP }));

    private static double[] Softmax(float[] logits, double temperature)
    {
        double max = logits.Max();
        double[] weights = [.. logits.Select(l => Math.Exp((l - max) / temperature))];
        return [.. weights.Select(w => w / weights.Sum())];
    }
}
