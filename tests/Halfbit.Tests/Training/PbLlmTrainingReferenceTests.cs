using System.Globalization;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Tests.Support;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>Our training step against the authors' layer and against independent programs of the paper's form: forward, gradients, scales and weights after three updates.</summary>
public sealed class PbLlmTrainingReferenceTests
{
    private const int Steps = 3;

    public static TheoryData<string, string> Cases()
    {
        var data = new TheoryData<string, string>();
        foreach (string variant in (string[])["code", "code_no8bit", "paper", "paper8"])
        {
            foreach (string rate in (string[])["0.0001", "0.01"]) data.Add(variant, rate);
        }

        return data;
    }

    [SharedTheory]
    [MemberData(nameof(Cases))]
    public void Three_steps_give_the_reference_weights(string variant, string rate)
    {
        double learningRate = double.Parse(rate, CultureInfo.InvariantCulture);
        string folder = TestData.SharedPath("reference", "qat");
        Assert.Contains(ReferenceCase.In(folder), c => c.Text("variant") == variant && c.Number("lr") == learningRate && c.Number("steps") == Steps);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "qat-64x128-f0.1.safetensors"));
        Matrix<float> X = Load(file, "X"), G = Load(file, "G");
        var weight = new Parameter<float>("weight", Load(file, "W"));
        var bias = new Parameter<float>("bias", Load(file, "bias"));
        var form = new PbLlmWeights<float>(weight.Value, OptionsOf(variant));
        byte[] mask = ReferenceCase.Mask(file, "mask");
        for (int i = 0; i < 64; i++)
        {
            for (int j = 0; j < 128; j++) Assert.Equal(mask[(i * 128) + j] != 0, form.IsSalient[i, j]);
        }

        if (variant == "code") Near(Load(file, "code.W_after_8bit").Data, weight.Value.Data, 2e-7);
        if (variant == "paper8") Near(Load(file, "paper8.W_salient8").Data, weight.Value.Data, 2e-7);

        var buffer = new Matrix<float>(64, 128);
        var optimizer = new AdamW<float>([weight, bias], new AdamWOptions(), p => p == weight ? form.Frozen : null);
        for (int step = 1; step <= Steps; step++)
        {
            form.Forward(weight.Value, buffer);
            float[] scales = Load(file, $"{variant}.lr{rate}.scale_step{step}").Data;
            for (int i = 0; i < 64; i++) Assert.Equal(scales[scales.Length == 1 ? 0 : i], form.Alpha[i], 2e-6f * form.Alpha[i]);
            Gradients(X, G, weight.Gradient, bias.Gradient);
            form.Backward(weight.Value, weight.Gradient);
            if (step == 1)
            {
                Near(Load(file, variant + ".Wsim").Data, buffer.Data, 2e-7);
                Near(Load(file, variant + ".y").Data, Product(X, buffer, bias.Value), 2e-5);
                Near(Load(file, variant + ".gradB").Data, bias.Gradient.Data, 1e-6);
            }

            // The reference kept its gradient by reference: it is that of the third step at the lower rate. (G is the same in all steps, so only the scales make the difference.)
            if (step == Steps && rate == "0.0001") Near(Load(file, variant + ".gradW").Data, weight.Gradient.Data, 1e-7);

            optimizer.Update(learningRate);
        }

        double tolerance = 2e-7 + (1e-4 * learningRate); // roundings of weights below 1, and a ten-thousandth of what a step may move them
        float[] expected = Load(file, $"{variant}.lr{rate}.W3").Data;
        if (variant == "paper8")
        {
            // The reference keeps the original values of salient weights beside their 8-bit values; ours are the 8-bit values.
            float[] original = Load(file, "W").Data, stored = Load(file, "paper8.W_salient8").Data;
            for (int k = 0; k < expected.Length; k++)
            {
                if (mask[k] == 0) continue;
                Assert.Equal(original[k], expected[k]);
                expected[k] = stored[k];
            }
        }

        Near(expected, weight.Value.Data, tolerance);
        Near(Load(file, $"{variant}.lr{rate}.bias3").Data, bias.Value.Data, tolerance);
        bool isStale = variant.StartsWith("code", StringComparison.Ordinal);
        if (isStale)
        {
            // The released program evaluates with the scale of the last training step.
            for (int i = 0; i < 64; i++)
            {
                for (int j = 0; j < 128; j++) buffer.Row(i)[j] = form.IsSalient[i, j] ? weight.Value.Row(i)[j] : MathF.CopySign(form.Alpha[i], weight.Value.Row(i)[j]);
            }
        }
        else
        {
            form.Forward(weight.Value, buffer);
        }

        Near(Load(file, $"{variant}.lr{rate}.{(isStale ? "y_eval_stale_scale" : "y_eval")}").Data, Product(X, buffer, bias.Value), 5e-5);
    }

    private static PbLlmTrainingOptions OptionsOf(string variant) => new()
    {
        SalientFraction = 0.1,
        Salience = SalienceRule.TwoTails,
        SalientStep = variant switch { "code" => SalientStep.Released, "paper8" => SalientStep.Grid, _ => SalientStep.Keep },
        Variant = variant.StartsWith("code", StringComparison.Ordinal) ? QuantizationVariant.Released : QuantizationVariant.Default,
        StoresScales = false,
    };

    /// <summary>dW = Gᵀ·X and db = Σ G.</summary>
    private static void Gradients(Matrix<float> X, Matrix<float> G, Matrix<float> dW, Matrix<float> dBias)
    {
        for (int i = 0; i < G.Columns; i++)
        {
            for (int j = 0; j < X.Columns; j++) dW.Row(i)[j] = (float)Enumerable.Range(0, X.Rows).Sum(t => (double)G.Row(t)[i] * X.Row(t)[j]);
            dBias.Data[i] = (float)Enumerable.Range(0, X.Rows).Sum(t => (double)G.Row(t)[i]);
        }
    }

    private static float[] Product(Matrix<float> X, Matrix<float> W, Matrix<float> bias)
    {
        var y = new float[X.Rows * W.Rows];
        for (int t = 0; t < X.Rows; t++)
        {
            for (int i = 0; i < W.Rows; i++)
                y[(t * W.Rows) + i] = (float)(Enumerable.Range(0, W.Columns).Sum(j => (double)X.Row(t)[j] * W.Row(i)[j]) + bias.Data[i]);
        }

        return y;
    }

    private static Matrix<float> Load(SafetensorsFile file, string name)
    {
        Matrix matrix = ReferenceCase.MatrixOf(file, name);
        return new Matrix<float>(matrix.Rows, matrix.Columns, matrix.Data);
    }

    /// <summary>Absolute for small values, relative for those above 1.</summary>
    private static void Near(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int k = 0; k < expected.Length; k++)
        {
            double bound = tolerance * Math.Max(1, Math.Abs(expected[k]));
            Assert.True(Math.Abs(expected[k] - actual[k]) <= bound, $"[{k}]: {actual[k]:R}, expected {expected[k]:R}, off by {Math.Abs(expected[k] - actual[k]):g3} of {bound:g3}");
        }
    }
}
