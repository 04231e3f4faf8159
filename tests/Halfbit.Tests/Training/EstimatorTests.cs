using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class EstimatorTests
{
    private const double Step = 1e-6;

    [Fact]
    public void Slopes_are_the_derivatives_of_their_surrogates()
    {
        AssertSlope(default(StraightThrough<double>), 1e-9);
        AssertSlope(default(ClippedStraightThrough<double>), 1e-9);
        AssertSlope(default(PiecewisePolynomial<double>), 1e-9);
        AssertSlope(FourierSeries<double>.Usual, 1e-8);
        AssertSlope(new FourierSeries<double>(1, 0.7), 1e-8);
        foreach (double progress in (double[])[0, 0.3, 0.5, 0.9, 1]) AssertSlope(new ErrorDecay<double>(progress), 1e-7);
    }

    [Theory]
    [InlineData(-1.5)]
    [InlineData(-0.2)]
    [InlineData(0.0)]
    [InlineData(0.4)]
    [InlineData(2.0)]
    public void Surrogates_have_the_published_values(double u)
    {
        Assert.Equal(u, default(StraightThrough<double>).Surrogate(u));
        Assert.Equal(Math.Clamp(u, -1, 1), default(ClippedStraightThrough<double>).Surrogate(u));
        double polynomial = u < -1 ? -1 : u < 0 ? (2 * u) + (u * u) : u < 1 ? (2 * u) - (u * u) : 1;
        Assert.Equal(polynomial, default(PiecewisePolynomial<double>).Surrogate(u), 1e-15);
        Assert.Equal(10 * Math.Tanh(0.1 * u), new ErrorDecay<double>(0).Surrogate(u), 1e-13);
        Assert.Equal(Math.Tanh(u), new ErrorDecay<double>(0.5).Surrogate(u), 1e-14);
        Assert.Equal(Math.Tanh(10 * u), new ErrorDecay<double>(1).Surrogate(u), 1e-13);
        Assert.Equal(4 / Math.PI * (Math.Sin(0.5 * u) + (Math.Sin(1.5 * u) / 3)), new FourierSeries<double>(2, 0.5).Surrogate(u), 1e-14);
    }

    [Fact]
    public void A_long_Fourier_series_is_nearly_the_sign_away_from_zero()
    {
        var series = new FourierSeries<double>(2000, 0.5);
        Assert.All((double[])[-2, -0.5, 0.5, 2], u => Assert.Equal(Math.Sign(u), series.Surrogate(u), 1e-2));
    }

    [Fact]
    public void The_gradient_of_plain_binarization_is_that_of_its_surrogate_with_constant_scales()
    {
        Matrix<double> latent = ToyParameters.Noise<double>(5, 70, 8, 0.02);
        var form = new BinaryWeights<double, ErrorDecay<double>>(latent, new ErrorDecay<double>(0.6));
        Matrix<double> weights = form.Forward(latent, new Matrix<double>(5, 70));
        Matrix<double> gradient = ToyParameters.Noise<double>(5, 70, 9);
        double[] upstream = [.. gradient.Data];
        form.Backward(latent, gradient);
        for (int k = 0; k < latent.Data.Length; k++)
        {
            double alpha = Math.Abs(weights.Data[k]);
            double w = latent.Data[k];
            double Loss(double x) => upstream[k] * alpha * form.Estimator.Surrogate(x / alpha);
            Assert.Equal((Loss(w + 1e-7) - Loss(w - 1e-7)) / 2e-7, gradient.Data[k], 1e-6);
        }
    }

    [Fact]
    public void Plain_binarization_multiplies_with_exactly_what_is_packed()
    {
        Matrix<float> latent = ToyParameters.Noise<float>(7, 130, 10, 0.02);
        latent.Data[3] = 0;
        var form = new BinaryWeights<float, StraightThrough<float>>(latent, default);
        Matrix<float> weights = form.Forward(latent, new Matrix<float>(7, 130));
        Assert.Equal(Matrix.Expand(form.ToMatrix(latent)).Data, weights.Data);
        Assert.True(weights.Data[3] > 0);
        double mean = latent.Row(2).ToArray().Average(w => Math.Abs((double)w));
        Assert.Equal(mean, Math.Abs(weights.Row(2)[0]), mean / 2048);
    }

    private static void AssertSlope<TEstimator>(TEstimator estimator, double tolerance)
        where TEstimator : struct, ISignEstimator<double>
    {
        var random = new Random(4);
        for (int n = 0; n < 200; n++)
        {
            double u = (random.NextDouble() * 6) - 3;
            if (Math.Abs(Math.Abs(u) - 1) < 1e-3 || Math.Abs(u) < 1e-3) continue; // corners of the piecewise forms
            double expected = (estimator.Surrogate(u + Step) - estimator.Surrogate(u - Step)) / (2 * Step);
            Assert.Equal(expected, estimator.Slope(u), tolerance);
        }
    }
}
