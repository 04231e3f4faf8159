using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Tests.Models;

public sealed class NormAndActivationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(80)]
    [InlineData(1000)]
    public void RMSNorm_equals_its_formula(int length)
    {
        float[] x = RandomMatrix.Create(1, length, 1).Data;
        float[] weight = RandomMatrix.Create(1, length, 2).Data;
        var y = new float[length];
        new RmsNorm(weight, 0.01f).Apply(x, y);
        double meanSquare = x.Sum(v => (double)v * v) / length;
        for (int i = 0; i < length; i++) Assert.Equal(weight[i] * x[i] / Math.Sqrt(meanSquare + 0.01f), y[i], 2e-6);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(17, false)]
    [InlineData(1000, true)]
    public void LayerNorm_equals_its_formula(int length, bool hasParameters)
    {
        float[] x = [.. RandomMatrix.Create(1, length, 1).Data.Select(v => v + 3)];
        float[]? weight = hasParameters ? RandomMatrix.Create(1, length, 2).Data : null;
        float[]? bias = hasParameters ? RandomMatrix.Create(1, length, 3).Data : null;
        var y = new float[length];
        new LayerNorm(weight, bias, 1e-5f).Apply(x, y);
        double mean = x.Average(v => (double)v);
        double variance = x.Average(v => (v - mean) * (v - mean));
        for (int i = 0; i < length; i++)
            Assert.Equal(((weight?[i] ?? 1) * (x[i] - mean) / Math.Sqrt(variance + 1e-5)) + (bias?[i] ?? 0), y[i], 1e-5);
    }

    [Fact]
    public void A_norm_may_work_in_place()
    {
        Matrix X = RandomMatrix.Create(5, 40, 1);
        Matrix Y = new(5, 40);
        var norm = new LayerNorm(RandomMatrix.Create(1, 40, 2).Data, null, 1e-5f);
        norm.Apply(X, Y, 4);
        norm.Apply(X, X, 4);
        Assert.Equal(Y.Data[..160], X.Data[..160]);
        Assert.All(Y.Row(4).ToArray(), v => Assert.Equal(0, v));
    }

    /// <summary>Values from tables (Abramowitz and Stegun, table 7.1).</summary>
    [Theory]
    [InlineData(0.1, 0.1124629160)]
    [InlineData(0.5, 0.5204998778)]
    [InlineData(1.0, 0.8427007929)]
    [InlineData(1.5, 0.9661051465)]
    [InlineData(2.0, 0.9953222650)]
    public void The_error_function_equals_its_table(double x, double expected)
    {
        Assert.Equal(expected, Activations.ErrorFunction(x), 1e-10);
        Assert.Equal(-expected, Activations.ErrorFunction(-x), 1e-10);
    }

    [Fact]
    public void The_error_function_ends_at_one()
    {
        Assert.Equal(1, Activations.ErrorFunction(5.999999), 1e-15);
        Assert.Equal(1, Activations.ErrorFunction(double.PositiveInfinity));
        Assert.Equal(0, Activations.ErrorFunction(0));
        Assert.True(double.IsNaN(Activations.ErrorFunction(double.NaN)));
    }

    [Fact]
    public void Activations_equal_their_formulas()
    {
        float[] x = [.. Enumerable.Range(-300, 601).Select(i => i / 20f)];
        float[] up = RandomMatrix.Create(1, x.Length, 1).Data;
        float[] silu = [.. x];
        float[] gelu = [.. x];
        float[] relu = [.. x];
        Activations.GatedSilu(silu, up);
        Activations.Gelu(gelu);
        Activations.Relu(relu);
        for (int i = 0; i < x.Length; i++)
        {
            double expected = x[i] / (1 + Math.Exp(-x[i])) * up[i];
            Assert.True(Math.Abs(expected - silu[i]) <= 1e-6 * (1 + Math.Abs(expected)), $"silu({x[i]}): expected {expected}, actual {silu[i]}");
            Assert.Equal((float)(0.5 * x[i] * (1 + Activations.ErrorFunction(x[i] / Math.Sqrt(2)))), gelu[i]);
            Assert.Equal(x[i] < 0 ? 0 : x[i], relu[i]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(33)]
    [InlineData(1000)]
    public void Lane_sums_equal_plain_sums_and_ignore_zeros_around(int length)
    {
        float[] x = RandomMatrix.Create(1, length, 4).Data;
        double bound = (length + 1) * Math.Pow(2, -24) * x.Sum(v => Math.Abs(v));
        Assert.Equal(x.Sum(v => (double)v), LaneSum.Of(x), bound);
        Assert.Equal(x.Sum(v => (double)v * v), LaneSum.OfSquares(x), bound);
        Assert.Equal(x.Sum(v => (double)v), LaneSum.InDouble(x), 1e-12);
        Assert.Equal(LaneSum.Of(x), LaneSum.Of([.. new float[32], .. x, .. new float[7]]));
    }
}
