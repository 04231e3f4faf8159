using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Quantization.RoundToNearest;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Reference;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>RTN and GPTQ against their definition in double precision.</summary>
public sealed class RoundToNearestTests
{
    public static TheoryData<int, int, bool, bool> Settings()
    {
        var data = new TheoryData<int, int, bool, bool>();
        foreach (int bits in (int[])[2, 3, 4, 8])
        {
            foreach (int groupSize in (int[])[16, 32, 128, -1])
            {
                foreach (bool isSymmetric in (bool[])[false, true])
                {
                    data.Add(bits, groupSize, isSymmetric, false);
                    data.Add(bits, groupSize, isSymmetric, true);
                }
            }
        }

        return data;
    }

    [Theory, MemberData(nameof(Settings))]
    public void Values_are_those_of_the_definition(int bits, int groupSize, bool isSymmetric, bool hasFeedback)
    {
        ToyLayer layer = ToyLayer.Create(40, 160, seed: bits + groupSize, dead: [0, 77]);
        layer.W.Row(1).Fill(0.02f); // one sign only
        layer.W.Row(2).Clear();
        var method = new RoundToNearest(new RoundToNearestOptions { Bits = bits, GroupSize = groupSize, Symmetric = isSymmetric, Compensation = hasFeedback });
        Matrix Q = method.Quantize(layer.W, hasFeedback ? layer.Statistics : null, ScaleFormat.Exact).Approximation;
        bool[] isDead = [.. Enumerable.Range(0, 160).Select(j => hasFeedback && (j is 0 or 77))];
        (double[,] expected, double[,] margin) = GptqDefinition.Quantize(layer.W, hasFeedback ? Factorization.UpperOfInverse(layer.H, 0.01) : null, isDead, bits, groupSize, isSymmetric);

        // A weight within rounding of the middle between two levels may fall either way, and with feedback it moves the rest of its row.
        int leftOut = 0;
        for (int i = 0; i < Q.Rows; i++)
        {
            for (int j = 0; j < Q.Columns; j++)
            {
                if (Math.Abs(Q[i, j] - expected[i, j]) <= 1e-5) continue;
                Assert.True(margin[i, j] < 1e-4, $"[{i}, {j}]: {Q[i, j]}, expected {expected[i, j]}, which is {margin[i, j]} levels from the next");
                leftOut += hasFeedback ? Q.Columns - j : 1;
                if (hasFeedback) break;
            }
        }

        Assert.InRange(leftOut, 0, Q.Data.Length / 20);
    }

    [Fact]
    public void An_asymmetric_grid_always_holds_zero_and_both_ends()
    {
        ToyLayer layer = ToyLayer.Create(30, 64, seed: 5);
        for (int j = 0; j < 64; j++) layer.W[0, j] = 1 + (0.01f * j); // far from zero
        var rtn = new RoundToNearest(new RoundToNearestOptions { Bits = 4, GroupSize = -1, Compensation = false });
        LayerResult result = rtn.Quantize(layer.W, null, ScaleFormat.Exact);
        var grid = Assert.IsType<GridMatrix>(result.Quantized);
        for (int i = 0; i < 30; i++)
        {
            Assert.InRange(grid.ZeroOf(i, 0), 0, 15);
            float step = grid.Scale[i];
            for (int j = 0; j < 64; j++) Assert.True(MathF.Abs(layer.W[i, j] - result.Approximation[i, j]) <= 0.5001f * step + (step * 0.5f), $"[{i}, {j}]");
        }

        Assert.Equal(0, grid.ZeroOf(0, 0));
    }

    [Fact]
    public void Eight_bits_are_nearly_exact_and_each_bit_less_is_worse()
    {
        ToyLayer layer = ToyLayer.Create(64, 128, seed: 6);
        double whole = WeightedError.Of(layer.W, null, layer.H);
        double last = 0;
        foreach (int bits in (int[])[8, 7, 6, 5, 4, 3, 2])
        {
            double error = WeightedError.Of(layer.W, ToyMethods.Quantize($"gptq bits={bits}", layer).Approximation, layer.H) / whole;
            Assert.InRange(error, last, 1);
            if (bits == 8) Assert.InRange(error, 1e-7, 2e-4);
            last = error;
        }
    }

    [Theory, InlineData(0), InlineData(9)]
    public void Other_numbers_of_bits_are_refused(int bits)
        => Assert.Throws<ArgumentOutOfRangeException>(() => new RoundToNearest(new RoundToNearestOptions { Bits = bits }));
}
