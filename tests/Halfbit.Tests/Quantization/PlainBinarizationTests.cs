using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

public sealed class PlainBinarizationTests
{
    [Theory]
    [InlineData("xnor", -1)]
    [InlineData("xnor", 16)]
    [InlineData("xnor", 30)]
    [InlineData("sign", -1)]
    [InlineData("sign", 30)]
    public void Levels_are_mean_and_mean_deviation_of_each_row_and_group(string method, int groupSize)
    {
        Matrix W = ToyLayer.Create(12, 70, seed: 3).W;
        Matrix Q = MethodCatalog.Create(method, new Dictionary<string, string> { ["group-size"] = $"{groupSize}" }).Quantize(W, null, ScaleFormat.Exact).Approximation;
        int width = groupSize == -1 ? 70 : groupSize;
        for (int i = 0; i < W.Rows; i++)
        {
            for (int start = 0; start < 70; start += width)
            {
                double[] group = [.. W.Row(i)[start..Math.Min(70, start + width)].ToArray().Select(w => (double)w)];
                double mu = method == "xnor" ? group.Average() : 0;
                double alpha = group.Average(w => Math.Abs(w - mu));
                for (int k = 0; k < group.Length; k++) Assert.Equal(group[k] >= mu ? mu + alpha : mu - alpha, Q[i, start + k], 1e-8);
            }
        }
    }

    [Fact]
    public void The_scale_is_the_best_one_for_its_signs()
    {
        Matrix W = ToyLayer.Create(8, 50, seed: 4).W;
        var signs = Assert.IsType<SignMatrix>(ToyMethods.Create("sign").Quantize(W, null, ScaleFormat.Exact).Quantized);
        for (int i = 0; i < 8; i++)
        {
            double Error(double alpha) => Enumerable.Range(0, 50).Sum(j => Math.Pow(W[i, j] - (signs.Signs[i, j] ? alpha : -alpha), 2));
            Assert.True(Error(signs.Alpha[i]) <= Error(signs.Alpha[i] * 1.01) && Error(signs.Alpha[i]) <= Error(signs.Alpha[i] * 0.99));
        }
    }

    [Fact]
    public void Zero_counts_as_positive()
    {
        var W = new Matrix(1, 4, [0f, -0f, 1f, -1f]);
        Assert.Equal([0.5f, 0.5f, 0.5f, -0.5f], ToyMethods.Create("sign").Quantize(W, null, ScaleFormat.Exact).Approximation.Data);
    }

    [Fact]
    public void One_column_is_met_exactly_by_its_mean()
    {
        var W = new Matrix(3, 1, [0.5f, -0.25f, 0f]);
        Assert.Equal(W.Data, ToyMethods.Create("xnor").Quantize(W, null, ScaleFormat.Exact).Approximation.Data);
    }
}
