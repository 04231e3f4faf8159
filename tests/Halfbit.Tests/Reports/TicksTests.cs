using Halfbit.Reports;

namespace Halfbit.Tests.Reports;

public sealed class TicksTests
{
    [Theory]
    [InlineData(0, 10, 6, new double[] { 0, 2, 4, 6, 8, 10 })]
    [InlineData(0, 1, 6, new[] { 0, 0.2, 0.4, 0.6, 0.8, 1 })]
    [InlineData(0.97, 2.34, 10, new[] { 1, 1.2, 1.4, 1.6, 1.8, 2, 2.2 })]
    [InlineData(-0.4, 5.4, 6, new double[] { 0, 1, 2, 3, 4, 5 })]
    [InlineData(35.2, 123.9, 8, new double[] { 40, 60, 80, 100, 120 })]
    [InlineData(1e6, 3.1e6, 4, new[] { 1e6, 2e6, 3e6 })]
    [InlineData(0, 0.00042, 5, new[] { 0, 0.0001, 0.0002, 0.0003, 0.0004 })]
    public void Linear_ticks_are_round_and_inside(double low, double high, int most, double[] expected)
        => Assert.Equal(expected, Ticks.Linear(low, high, most));

    [Theory]
    [InlineData(0.9, 1200, 8, new double[] { 1, 3, 10, 30, 100, 300, 1000 })]
    [InlineData(0.9, 110, 8, new double[] { 1, 2, 5, 10, 20, 50, 100 })]
    [InlineData(30, 1500, 8, new double[] { 50, 100, 200, 500, 1000 })]
    [InlineData(1.4, 9, 8, new[] { 1.5, 2, 3, 5, 7 })]
    [InlineData(35, 120, 8, new double[] { 40, 50, 60, 70, 80, 90, 100 })]
    [InlineData(44, 49, 8, new double[] { 44, 45, 46, 47, 48, 49 })]
    [InlineData(1e-3, 1e9, 8, new[] { 1e-3, 0.1, 10, 1000, 1e5, 1e7, 1e9 })]
    public void Logarithmic_ticks_are_round_and_inside(double low, double high, int most, double[] expected)
        => Assert.Equal(expected, Ticks.Logarithmic(low, high, most));

    [Fact]
    public void Any_range_has_some_ticks_inside_and_no_more_than_wanted()
    {
        var random = new Random(5);
        for (int attempt = 0; attempt < 2000; attempt++)
        {
            double low = Math.Pow(10, (10 * random.NextDouble()) - 5);
            double high = low * (1 + Math.Pow(10, (6 * random.NextDouble()) - 2));
            int most = random.Next(4, 12);
            foreach (double[] ticks in (double[][])[Ticks.Linear(low, high, most), Ticks.Logarithmic(low, high, most)])
            {
                Assert.InRange(ticks.Length, 1, most);
                Assert.All(ticks, t => Assert.InRange(t, low * (1 - 1e-9), high * (1 + 1e-9)));
                Assert.Equal(ticks.Order().Distinct(), ticks);
            }
        }
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.30000000000000004, "0.3")]
    [InlineData(1200, "1200")]
    [InlineData(0.0005, "0.0005")]
    [InlineData(2e6, "2e6")]
    [InlineData(0.00002, "2e-5")]
    public void Labels_are_short(double tick, string text) => Assert.Equal(text, Ticks.Text(tick));

    [Fact]
    public void A_scale_maps_its_ends_and_equal_ratios_or_differences()
    {
        var linear = new Scale(2, 6, 100, 300, IsLogarithmic: false);
        Assert.Equal([100, 200, 300], new double[] { 2, 4, 6 }.Select(linear.At));
        var logarithmic = new Scale(1, 100, 400, 0, IsLogarithmic: true);
        Assert.Equal([400, 200, 0], new double[] { 1, 10, 100 }.Select(v => Math.Round(logarithmic.At(v), 9)));
        Scale around = Scale.Around([5, 5], 0, 1, isLogarithmic: true);
        Assert.InRange(around.At(5), 0.4, 0.6);
        Assert.InRange(Scale.Around([0.5], 0, 1, isLogarithmic: false).At(0.5), 0.4, 0.6);
    }
}
