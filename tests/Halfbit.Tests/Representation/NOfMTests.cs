using Halfbit.Representation;

namespace Halfbit.Tests.Representation;

public sealed class NOfMTests
{
    [Theory]
    [InlineData(4, 8, 0, 16, 4)]
    [InlineData(4, 8, 8, 16, 4)]
    [InlineData(4, 8, 16, 17, 1)]
    [InlineData(4, 8, 16, 19, 2)]
    [InlineData(6, 8, 8, 13, 4)]
    [InlineData(3, 5, 0, 1, 1)]
    [InlineData(1, 64, 64, 65, 1)]
    [InlineData(2, 2, 2, 3, 1)]
    public void A_run_keeps_n_weights_and_a_cut_run_its_part_rounded_up(int n, int m, int start, int columns, int kept)
        => Assert.Equal(kept, new NOfM(n, m).KeptOfRun(start, columns));

    [Fact]
    public void A_pattern_is_written_as_the_field_writes_it()
    {
        Assert.Equal("4:8", new NOfM(4, 8).ToString());
        Assert.Equal(0.75, new NOfM(6, 8).Share);
    }
}
