using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class PbLlmWeightsTests
{
    [Fact]
    public void A_step_multiplies_with_exactly_what_is_packed_afterwards()
    {
        foreach (SalientStep step in (SalientStep[])[SalientStep.Grid, SalientStep.Keep])
        {
            Matrix<float> latent = ToyParameters.Noise<float>(37, 150, 1, 0.03);
            var form = new PbLlmWeights<float>(latent, new PbLlmTrainingOptions { SalientStep = step });
            Train(latent, form);
            Matrix<float> weights = form.Forward(latent, new Matrix<float>(37, 150));
            QuantizedMatrix matrix = form.ToMatrix(latent);
            Assert.Equal(weights.Data, Matrix.Expand(matrix).Data);
            Assert.Equal(weights.Data, Matrix.Expand(new PackedMatrix(Packer.Pack(matrix)).Unpack()).Data);
        }
    }

    [Fact]
    public void Scales_are_optimal_means_of_the_binarized_weights_of_a_row()
    {
        Matrix<double> latent = ToyParameters.Noise<double>(9, 70, 2, 0.05);
        var form = new PbLlmWeights<double>(latent, new PbLlmTrainingOptions { StoresScales = false, SalientStep = SalientStep.Keep });
        Matrix<double> weights = form.Forward(latent, new Matrix<double>(9, 70));
        for (int i = 0; i < 9; i++)
        {
            int[] low = [.. Enumerable.Range(0, 70).Where(j => !form.IsSalient[i, j])];
            double alpha = low.Average(j => Math.Abs(latent.Row(i)[j]));
            foreach (int j in low) Assert.Equal(Math.Sign(latent.Row(i)[j]) * alpha, weights.Row(i)[j], 1e-15);
            double Error(double a) => low.Sum(j => Math.Pow(latent.Row(i)[j] - (Math.Sign(latent.Row(i)[j]) * a), 2));
            Assert.True(Error(alpha) < Error(alpha * 1.001) && Error(alpha) < Error(alpha * 0.999));
        }

        Assert.Equal((9 * 70) - (int)(9 * 70 * 0.9) - 1, form.IsSalient.CountSet());
    }

    [Fact]
    public void Salient_weights_are_near_the_originals_and_never_move()
    {
        Matrix<float> latent = ToyParameters.Noise<float>(20, 130, 3, 0.03);
        float[] original = [.. latent.Data];
        var form = new PbLlmWeights<float>(latent, new PbLlmTrainingOptions());
        float[] start = [.. latent.Data];
        Train(latent, form);
        for (int i = 0; i < 20; i++)
        {
            float range = original.AsSpan(i * 130, 130).ToArray().Max() - original.AsSpan(i * 130, 130).ToArray().Min();
            for (int j = 0; j < 130; j++)
            {
                int k = (i * 130) + j;
                if (form.IsSalient[i, j]) Assert.Equal(start[k], latent.Data[k]);
                else Assert.NotEqual(start[k], latent.Data[k]);
                Assert.Equal(original[k], start[k], form.IsSalient[i, j] ? range / 255 : 0);
            }
        }
    }

    [Fact]
    public void Salience_is_that_of_the_post_training_method()
    {
        Matrix W = ToMatrix(ToyParameters.Noise<float>(24, 48, 4, 0.05));
        Matrix X = ToMatrix(ToyParameters.Noise<float>(200, 48, 5));
        for (int t = 0; t < X.Rows; t++)
        {
            for (int j = 0; j < 48; j++) X[t, j] *= 1 + (j % 7);
        }

        var H = new Matrix(48, 48);
        for (int a = 0; a < 48; a++)
        {
            for (int b = 0; b < 48; b++) H[a, b] = (float)Enumerable.Range(0, 200).Sum(t => (double)X[t, a] * X[t, b]);
        }

        var statistics = new LayerStatistics(H);
        var method = new Halfbit.Quantization.PbLlm.PbLlm(new Halfbit.Quantization.PbLlm.PbLlmOptions { LowFraction = 0.8 });
        BitMatrix expected = method.Quantize(W, statistics, ScaleFormat.Exact).Salient!;
        BitMatrix hessian = Salience.Choose(W, 0.2, SalienceRule.Hessian, statistics.Factor(0.01));
        Assert.Equal(expected.Words, hessian.Words);
        Assert.NotEqual(hessian.Words, Salience.Choose(W, 0.2, SalienceRule.Magnitude, null).Words);
        Assert.Throws<ArgumentException>(() => Salience.Choose(W, 0.2, SalienceRule.Hessian, null));
    }

    [Fact]
    public void Two_tails_may_be_empty_and_may_hold_everything()
    {
        Matrix W = ToMatrix(ToyParameters.Noise<float>(3, 5, 6));
        Assert.Equal(0, Salience.Choose(W, 0, SalienceRule.TwoTails, null).CountSet());
        Assert.Equal(1, Salience.Choose(W, 0.1, SalienceRule.TwoTails, null).CountSet()); // 15·0.05 = 0 below, 15 − ⌊14.25⌋ = 1 above
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PbLlmWeights<float>(2, 2, new PbLlmTrainingOptions { SalientFraction = 1.1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PbLlmWeights<float>(2, 2, new PbLlmTrainingOptions { Variant = QuantizationVariant.Strict }));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Forward_and_backward_are_the_same_for_any_number_of_threads(int threads)
    {
        (float[] W, float[] G) expected = Run(1);
        (float[] W, float[] G) actual = Run(threads);
        Assert.Equal(expected.W, actual.W);
        Assert.Equal(expected.G, actual.G);

        static (float[] W, float[] G) Run(int threads)
        {
            using var count = new ThreadCount(threads);
            Matrix<float> latent = ToyParameters.Noise<float>(70, 131, 7, 0.05);
            var form = new PbLlmWeights<float>(latent, new PbLlmTrainingOptions { Variant = QuantizationVariant.Released });
            Matrix<float> weights = form.Forward(latent, new Matrix<float>(70, 131));
            Matrix<float> gradient = ToyParameters.Noise<float>(70, 131, 8);
            form.Backward(latent, gradient);
            return (weights.Data, gradient.Data);
        }
    }

    private static void Train(Matrix<float> latent, PbLlmWeights<float> form)
    {
        var parameter = new Parameter<float>("weight", latent);
        var optimizer = new AdamW<float>([parameter], new AdamWOptions { WeightDecay = 0.1 }, _ => form.Frozen);
        for (int t = 1; t <= 4; t++)
        {
            form.Forward(latent, new Matrix<float>(latent.Rows, latent.Columns));
            ToyParameters.SetGradients([parameter], t);
            form.Backward(latent, parameter.Gradient);
            optimizer.Update(0.01);
        }
    }

    private static Matrix ToMatrix(Matrix<float> matrix) => new(matrix.Rows, matrix.Columns, matrix.Data);
}
