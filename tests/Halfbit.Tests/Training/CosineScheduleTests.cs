using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class CosineScheduleTests
{
    [Theory]
    [InlineData(0, 0.25)]
    [InlineData(1, 0.5)]
    [InlineData(3, 1.0)]
    [InlineData(4, 1.0)]
    [InlineData(12, 0.55)]     // half of the way: the mean of peak and floor
    [InlineData(8, 0.8681980515339464)] // a quarter: 0.1 + 0.9·(1 + √½)/2
    [InlineData(20, 0.1)]
    [InlineData(1000, 0.1)]
    public void Rates_rise_linearly_and_fall_along_a_cosine(long step, double expected)
        => Assert.Equal(expected, new CosineSchedule(1, 20, 4, 0.1).At(step), 1e-15);

    [Fact]
    public void Without_warm_up_the_first_update_has_the_peak()
    {
        var schedule = new CosineSchedule(3e-4, 10);
        Assert.Equal(3e-4, schedule.At(0), 1e-18);
        Assert.All(Enumerable.Range(0, 9), s => Assert.True(schedule.At(s) > schedule.At(s + 1)));
        Assert.Equal(0, schedule.At(10));
    }

    [Fact]
    public void A_run_of_warm_up_alone_ends_at_the_peak()
    {
        var schedule = new CosineSchedule(1, 2, 2);
        Assert.Equal([0.5, 1.0, 0.0], new[] { schedule.At(0), schedule.At(1), schedule.At(2) });
    }

    [Fact]
    public void Numbers_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CosineSchedule(double.NaN, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CosineSchedule(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CosineSchedule(1, 10, 11));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CosineSchedule(1, 10, 1, 2));
    }
}
