using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Tests.Packing;

public sealed class RunCodeTests
{
    [Theory, InlineData(1, 1), InlineData(2, 4), InlineData(4, 8), InlineData(3, 5), InlineData(8, 16), InlineData(5, 11)]
    public void Ranks_number_the_choices_in_the_order_of_their_bits(int n, int m)
    {
        ulong rank = 0;
        for (uint choice = 0; choice < 1u << m; choice++)
        {
            if (uint.PopCount(choice) != n) continue;
            Assert.Equal(rank, RunCode.RankOf(choice));
            Assert.Equal(choice, RunCode.Choice(m, n, rank));
            rank++;
        }
    }

    [Fact]
    public void The_longest_runs_have_ranks_as_well()
    {
        ulong highest = ulong.MaxValue << 32;
        Assert.Equal(1832624140942590534ul - 1, RunCode.RankOf(highest));
        Assert.Equal(highest, RunCode.Choice(64, 32, 1832624140942590534ul - 1));
        Assert.Equal(0ul, RunCode.RankOf(ulong.MaxValue >> 32));
        Assert.Equal(1ul << 63, RunCode.Choice(64, 1, 63));
    }

    /// <summary>Bits of a row, worked out by hand: 70⁷ &lt; 2⁴³, 6¹⁷ &lt; 2⁴⁴, 28⁵ &lt; 2²⁵, 56⁵ &lt; 2³⁰.</summary>
    [Theory]
    [InlineData(4, 8, 56, 43)]
    [InlineData(4, 8, 560, 430)]
    [InlineData(4, 8, 8, 7)]
    [InlineData(4, 8, 3, 2)]
    [InlineData(2, 4, 68, 44)]
    [InlineData(6, 8, 40, 25)]
    [InlineData(7, 7, 700, 0)]
    [InlineData(1, 64, 640, 60)]
    [InlineData(32, 64, 128, 122)]
    public void Runs_share_numbers_so_that_few_bits_are_wasted(int n, int m, int columns, int bits)
        => Assert.Equal(bits, new RunCode(new NOfM(n, m), columns).RowBits);

    [Fact]
    public void A_run_cut_short_keeps_its_proportional_part()
    {
        var pattern = new NOfM(4, 8);
        Assert.Equal([4, 1, 1, 2, 2, 3, 3, 4], Enumerable.Range(8, 8).Select(columns => pattern.KeptOfRun(columns == 8 ? 0 : 8, columns)));
        Assert.Equal(3 + 3 + 1, new RunCode(new NOfM(3, 5), 12).KeptPerRow - 1);
        var code = new RunCode(pattern, 11);
        Assert.True(code.Follows([0b110_0000_1111]));
        Assert.False(code.Follows([0b100_0000_1111]));
        Assert.False(code.Follows([0b110_0001_1111]));
    }

    [Theory, InlineData(4, 8, 77), InlineData(3, 5, 64), InlineData(13, 29, 200), InlineData(32, 64, 300), InlineData(8, 16, 130)]
    public void Any_row_comes_back_and_numbers_that_are_too_large_are_noticed(int n, int m, int columns)
    {
        var random = new Random(m);
        var code = new RunCode(new NOfM(n, m), columns);
        BitMatrix keep = RandomGroups.Keep(random, 20, columns, new NOfM(n, m));
        var bytes = new byte[CodePacking.ByteCount(20L * code.RowBits, 1)];
        for (int i = 0; i < 20; i++) code.Write(keep.Row(i), bytes, (long)i * code.RowBits);
        var row = new ulong[keep.WordsPerRow];
        for (int i = 0; i < 20; i++)
        {
            Assert.True(code.TryRead(bytes, (long)i * code.RowBits, row));
            Assert.Equal(keep.Row(i).ToArray(), row);
        }

        Array.Fill(bytes, byte.MaxValue);
        Assert.False(code.TryRead(bytes, 0, row));
    }
}
