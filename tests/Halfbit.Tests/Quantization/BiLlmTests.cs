using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Quantization.BiLlm;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Reference;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

public sealed class BiLlmTests
{
    [Theory]
    [InlineData("billm group-size=32", 32)]
    [InlineData("billm group-size=40 means=off salience=magnitude", 40)]
    [InlineData("billm group-size=-1 search=scores salience=hessian", 90)]
    public void Groups_are_whole_salient_columns_and_two_sides_of_one_threshold_per_block(string line, int width)
    {
        ToyLayer layer = ToyLayer.Create(30, 90, seed: 2);
        LayerResult result = ToyMethods.Quantize(line + " feedback=exact compensation=off", layer);
        var stored = Assert.IsType<GroupedSignMatrix>(result.Quantized);
        double[,] U = Factorization.UpperOfInverse(layer.H, 0.01);
        bool isScored = line.Contains("search=scores", StringComparison.Ordinal);
        int salient = 0;
        for (int start = 0; start < 90; start += width)
        {
            double largestLow = 0;
            double leastHigh = double.PositiveInfinity;
            for (int j = start; j < Math.Min(start + width, 90); j++)
            {
                if (stored.IsSalient![j]) salient++;
                for (int i = 0; i < 30; i++)
                {
                    byte group = result.Group![(i * 90) + j];
                    Assert.Equal(stored.IsSalient[j], group == 2);
                    Assert.Equal(stored.IsSalient[j], result.Salient![i, j]);
                    double score = isScored ? Math.Pow(layer.W[i, j] / U[j, j], 2) : Math.Abs(layer.W[i, j]);
                    if (group == 0) largestLow = Math.Max(largestLow, score);
                    if (group == 1) leastHigh = Math.Min(leastHigh, score);
                }
            }

            Assert.True(largestLow <= leastHigh, $"block at {start}: {largestLow} is low, {leastHigh} is high");
            Assert.InRange(largestLow, 1e-9, 100);
        }

        Assert.Equal(1 + (salient / 90.0), result.NominalBits, 12);
        Assert.Equal(line.Contains("means=on", StringComparison.Ordinal), stored.Groups[0].Mu is not null);
        Assert.Equal([2, 1, 1], stored.Groups.Select(g => g.Planes));
    }

    [Fact]
    public void Every_weight_takes_the_nearest_of_its_stored_levels()
    {
        ToyLayer layer = ToyLayer.Create(20, 64, seed: 3, dead: [7]);
        LayerResult result = ToyMethods.Quantize("billm feedback=exact means=on group-size=64 scale-bits=8 compensation=off", layer.W, layer.H, ToyMethods.HalfFor(layer.W));
        var stored = Assert.IsType<GroupedSignMatrix>(result.Quantized);
        for (int i = 0; i < 20; i++)
        {
            for (int j = 0; j < 64; j++)
            {
                SignGroup group = stored.Groups[stored.Group(i, j)];
                float w = j == 7 ? 0 : layer.W[i, j];
                (int First, int Second)[] signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)];
                double least = signs.Min(s => Math.Abs(w - group.Mu![i] - (s.First * (double)group.Alpha[0][i]) - (group.Planes == 1 ? 0 : s.Second * (double)group.Alpha[1][i])));
                Assert.Equal(least, Math.Abs((double)w - result.Approximation[i, j]), 1e-7);
            }
        }
    }

    [Theory]
    [InlineData("compensation=on")]
    [InlineData("compensation=off")]
    public void The_automatic_metric_is_the_better_one(string compensation)
    {
        for (int seed = 0; seed < 6; seed++)
        {
            ToyLayer layer = ToyLayer.Create(40, 80, seed);
            double automatic = Error("auto");
            Assert.Equal(Math.Min(Error("hessian"), Error("magnitude")), automatic);

            double Error(string metric) => WeightedError.Of(
                layer.W, ToyMethods.Create($"billm group-size=40 salience={metric}", compensation).Quantize(layer.W, layer.Statistics, ScaleFormat.Exact).Approximation, layer.H);
        }
    }

    [Fact]
    public void Sensitivity_is_the_diagonal_of_the_blocks_hessian_once_later_columns_make_up_for_it()
    {
        ToyLayer layer = ToyLayer.Create(2, 30, seed: 5, dead: [3]);
        LayerStatistics statistics = layer.Statistics;
        HessianFactor factor = statistics.Factor(0.01);
        var range = new ColumnRange(0, 12);
        var block = new ColumnBlock(0, range, Matrix.CopyOf(factor.U.View.RowRange(0, 12)[range]));

        // The Schur complement of the damped H: the inverse of the block of its inverse.
        var damped = new double[30, 30];
        for (int i = 0; i < 30; i++)
        {
            for (int j = 0; j < 30; j++) damped[i, j] = layer.H[i, j] + (i == j ? factor.Delta + (i == 3 ? 1 : 0) : 0);
        }

        double[,] inverse = Factorization.Inverse(damped);
        var part = new double[12, 12];
        for (int i = 0; i < 12; i++)
        {
            for (int j = 0; j < 12; j++) part[i, j] = inverse[i, j];
        }

        double[,] conditional = Factorization.Inverse(part);
        double[] diagonal = [.. Enumerable.Range(0, 12).Select(j => j == 3 ? 0 : conditional[j, j])];
        AssertProportional(diagonal, ColumnSensitivity.Of(block, statistics, factor, BlockFeedback.Exact, 1));
        AssertProportional([.. diagonal.Select(Math.Sqrt)], ColumnSensitivity.Of(block, statistics, factor, BlockFeedback.Diagonal, 0.5));
        AssertProportional([.. Enumerable.Range(0, 12).Select(j => (double)layer.H[j, j])], ColumnSensitivity.Of(block, statistics, factor, null, 1));
        Assert.All(ColumnSensitivity.Of(block, null, null, null, 1), o => Assert.Equal(1, o));

        static void AssertProportional(double[] expected, double[] actual)
        {
            for (int j = 0; j < expected.Length; j++) Assert.Equal(expected[j] / expected.Max(), actual[j], 1e-5);
        }
    }

    [Theory, InlineData(40), InlineData(49), InlineData(50 + 49)]
    public void The_released_program_cannot_do_blocks_below_fifty_columns(int columns)
    {
        ToyLayer layer = ToyLayer.Create(8, columns, seed: 6);
        var exception = Assert.Throws<NumericsException>(() => ToyMethods.Quantize("billm group-size=50 variant=released", layer));
        Assert.Contains("at least 50", exception.Message, StringComparison.Ordinal);
        Assert.All(ToyMethods.Quantize("billm group-size=50", layer).Approximation.Data, q => Assert.True(float.IsFinite(q)));
    }

    [Fact]
    public void In_the_released_variant_a_weight_at_its_mean_is_reconstructed_as_the_mean()
    {
        // Rows of one value: every residual is zero.
        ToyLayer layer = ToyLayer.Create(4, 64, seed: 7);
        layer.W.Data.AsSpan().Fill(0.25f);
        foreach (string line in (string[])["billm group-size=64 feedback=exact", "billm group-size=64 variant=released"])
            Assert.All(ToyMethods.Quantize(line, layer).Approximation.Data, q => Assert.Equal(0.25f, q));

        // Of −1, 0 and 1 the middle one is its mean: one bit can only say μ + α, the program says μ.
        ReadOnlySpan<float> x = [-1, 0, 1];
        var signs = new sbyte[3];
        ResidualBinarization.Fit(x, SearchMatrix.Ones(3), true, OnThreshold.Middle, new float[1], new float[1], signs, new float[3]);
        Assert.Equal([-1, 0, 1], signs);
        ResidualBinarization.Fit(x, SearchMatrix.Ones(3), true, OnThreshold.Upper, new float[1], new float[1], signs, new float[3]);
        Assert.Equal([-1, 1, 1], signs);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new BiLlm(new BiLlmOptions { ScaleBits = 4 }));
        Assert.Throws<ArgumentException>(() => new BiLlm(new BiLlmOptions { Variant = QuantizationVariant.Released }));
        Assert.Throws<ArgumentException>(() => new BiLlm(BiLlmOptions.Released with { Salience = SalienceMetric.Auto }));
        Assert.Throws<ArgumentNullException>(() => new BiLlm(new BiLlmOptions()).Quantize(new Matrix(2, 2), null, ScaleFormat.Exact));
    }
}
