using Halfbit.Numerics;
using Halfbit.Tests.Support;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class AdamWTests
{
    private static readonly AdamWOptions Options = new() { Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-6, WeightDecay = 0.1 };

    [Fact]
    public void Updates_follow_the_papers_formula()
    {
        List<Parameter<double>> parameters = ToyParameters.Some<double>();
        double[][] w = [.. parameters.Select(p => (double[])p.Value.Data.Clone())];
        double[][] m = [.. w.Select(a => new double[a.Length])];
        double[][] v = [.. w.Select(a => new double[a.Length])];
        var optimizer = new AdamW<double>(parameters, Options);
        double[] rates = [0.01, 0.02, 0.005, 0.03];
        for (int t = 1; t <= rates.Length; t++)
        {
            ToyParameters.SetGradients(parameters, t);
            optimizer.Update(rates[t - 1], 0.7);
            for (int p = 0; p < parameters.Count; p++)
            {
                for (int k = 0; k < w[p].Length; k++)
                {
                    double g = 0.7 * parameters[p].Gradient.Data[k];
                    m[p][k] = (0.8 * m[p][k]) + (0.2 * g);
                    v[p][k] = (0.95 * v[p][k]) + (0.05 * g * g);
                    double mHat = m[p][k] / (1 - Math.Pow(0.8, t));
                    double vHat = v[p][k] / (1 - Math.Pow(0.95, t));
                    double decay = parameters[p].Decays ? 0.1 * w[p][k] : 0;
                    w[p][k] -= rates[t - 1] * ((mHat / (Math.Sqrt(vHat) + 1e-6)) + decay);
                }
            }
        }

        Assert.Equal(4, optimizer.Step);
        for (int p = 0; p < parameters.Count; p++)
        {
            for (int k = 0; k < w[p].Length; k++) Assert.Equal(w[p][k], parameters[p].Value.Data[k], 1e-13);
        }
    }

    [Fact]
    public void Single_precision_follows_double_precision()
    {
        List<Parameter<float>> parameters = ToyParameters.Some<float>();
        List<Parameter<double>> exact = ToyParameters.Some<double>();
        Run(parameters, null);
        Run(exact, null);
        for (int p = 0; p < exact.Count; p++)
        {
            for (int k = 0; k < exact[p].Value.Data.Length; k++) Assert.Equal(exact[p].Value.Data[k], parameters[p].Value.Data[k], 1e-6);
        }
    }

    [Fact]
    public void Frozen_entries_do_not_change_and_the_others_do_not_notice()
    {
        BitMatrix mask = ToyParameters.Mask(37, 130, 5);
        List<Parameter<float>> masked = ToyParameters.Some<float>();
        List<Parameter<float>> free = ToyParameters.Some<float>();
        float[] before = [.. masked[3].Value.Data];
        AdamW<float> optimizer = Run(masked, p => p.Name == "masked" ? mask : null);
        Run(free, null);
        Assert.Equal(free[0].Value.Data, masked[0].Value.Data);
        for (int i = 0; i < 37; i++)
        {
            for (int j = 0; j < 130; j++) Assert.Equal(mask[i, j] ? before[(i * 130) + j] : free[3].Value.Row(i)[j], masked[3].Value.Row(i)[j]);
        }

        var moments = new Matrix<float>(37, 130);
        StateTensor first = optimizer.State().Single(t => t.Declaration.Name == "first.masked");
        first.Bytes(0, first.Length).CopyTo(ElementBytes.Of(moments.Data.AsSpan()));
        for (int i = 0; i < 37; i++)
        {
            for (int j = 0; j < 130; j++) Assert.Equal(mask[i, j], moments.Row(i)[j] == 0);
        }
    }

    [Fact]
    public void Parameters_that_are_not_trained_are_left_alone()
    {
        var trained = new Parameter<float>("a", ToyParameters.Noise<float>(2, 3, 1));
        var fixedOne = new Parameter<float>("b", ToyParameters.Noise<float>(2, 3, 2)) { IsTrained = false };
        float[] before = [.. fixedOne.Value.Data];
        ToyParameters.SetGradients([trained, fixedOne], 1);
        var optimizer = new AdamW<float>([trained, fixedOne], Options);
        optimizer.Update(0.1);
        Assert.Equal(before, fixedOne.Value.Data);
        Assert.Equal(["first.a", "second.a"], optimizer.State().Select(t => t.Declaration.Name));
        Assert.Equal(Norm(trained), GradientNorm.Of<float>([trained, fixedOne]), 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Updates_and_norms_are_the_same_for_any_number_of_threads(int threads)
    {
        List<Parameter<float>> expected = ToyParameters.Some<float>();
        List<Parameter<float>> actual = ToyParameters.Some<float>();
        BitMatrix mask = ToyParameters.Mask(37, 130, 5);
        double norm, expectedNorm;
        using (new ThreadCount(1))
        {
            Run(expected, p => p.Name == "masked" ? mask : null);
            expectedNorm = GradientNorm.Of(expected);
        }

        using (new ThreadCount(threads))
        {
            Run(actual, p => p.Name == "masked" ? mask : null);
            norm = GradientNorm.Of(actual);
        }

        Assert.Equal(expectedNorm, norm);
        for (int p = 0; p < expected.Count; p++) Assert.Equal(expected[p].Value.Data, actual[p].Value.Data);
    }

    [Fact]
    public void The_norm_is_that_of_all_gradients_together_and_clipping_brings_it_down()
    {
        List<Parameter<float>> parameters = ToyParameters.Some<float>();
        ToyParameters.SetGradients(parameters, 1);
        double expected = Math.Sqrt(parameters.Sum(p => Math.Pow(Norm(p), 2)));
        double norm = GradientNorm.Of(parameters);
        Assert.Equal(expected, norm, expected * 1e-12);
        Assert.Equal(1, GradientNorm.ClippingFactor(norm, norm + 1));
        Assert.Equal(1, GradientNorm.ClippingFactor(norm, null));
        Assert.Equal(0.5, norm * GradientNorm.ClippingFactor(norm, 0.5), 1e-6);
    }

    [Fact]
    public void A_gradient_that_is_not_finite_is_named()
    {
        List<Parameter<float>> parameters = ToyParameters.Some<float>();
        ToyParameters.SetGradients(parameters, 1);
        GradientNorm.Check(GradientNorm.Of(parameters), parameters, 7);
        parameters[1].Gradient.Data[5] = float.NaN;
        NumericsException exception = Assert.Throws<NumericsException>(() => GradientNorm.Check(GradientNorm.Of(parameters), parameters, 7));
        Assert.Contains("'norm' is not finite at step 7", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_and_masks_out_of_range_are_refused()
    {
        List<Parameter<float>> parameters = ToyParameters.Some<float>();
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW<float>(parameters, new AdamWOptions { Beta1 = 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW<float>(parameters, new AdamWOptions { Beta2 = -0.1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW<float>(parameters, new AdamWOptions { Epsilon = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW<float>(parameters, new AdamWOptions { WeightDecay = double.NaN }));
        Assert.Throws<ArgumentException>(() => new AdamW<float>(parameters, Options, _ => new BitMatrix(2, 2)));
    }

    private static AdamW<T> Run<T>(List<Parameter<T>> parameters, Func<Parameter<T>, BitMatrix?>? frozen)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        var optimizer = new AdamW<T>(parameters, Options, frozen);
        for (int t = 1; t <= 3; t++)
        {
            ToyParameters.SetGradients(parameters, t);
            optimizer.Update(0.01);
        }

        return optimizer;
    }

    private static double Norm(Parameter<float> parameter) => Math.Sqrt(parameter.Gradient.Data.Sum(g => (double)g * g));
}
