using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Quantization.PbLlm;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>PB-LLM against layers quantized by the authors' own program.</summary>
public sealed class PbLlmReferenceTests
{
    public static TheoryData<string> Cases()
    {
        var data = new TheoryData<string>();
        foreach (ReferenceCase entry in ReferenceCase.In(TestData.AnyPath("reference", "pb-llm"))) data.Add(entry.ToString());
        return data;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Released_variant_gives_the_masks_and_values_of_the_authors_program(string name)
    {
        ReferenceCase entry = Find(name);
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        (Matrix W, Matrix H, LayerResult result) = Run(entry, file, QuantizationVariant.Released);
        byte[] mask = ReferenceCase.Mask(file, entry.Text("tensor_mask"));
        int different = 0;
        for (int i = 0; i < W.Rows; i++)
        {
            for (int j = 0; j < W.Columns; j++)
            {
                if (result.Salient![i, j] != (mask[(i * W.Columns) + j] != 0)) different++;
            }
        }

        Assert.Equal(0, different);
        Assert.Equal((long)entry.Number("salient_count"), result.Salient!.CountSet());

        double bound = Math.Max(1e-5, 4 * (entry.NumberOrNull("sens_werr_rel") ?? 0));
        double error = WeightedError.Of(W, result.Approximation, H);
        Assert.InRange(error / entry.Number("weighted_error"), 1 - bound, 1 + bound);

        // Single elements may flip where the program's own answer moves under noise of 1e-6; elsewhere values agree closely.
        Matrix expected = ReferenceCase.MatrixOf(file, entry.Text("tensor_Q"));
        float largest = expected.Data.Max(MathF.Abs);
        int moved = expected.Data.Zip(result.Approximation.Data).Count(p => MathF.Abs(p.First - p.Second) > 1e-5f * largest);
        double allowed = Math.Max(0.002, 4 * (entry.NumberOrNull("sens_changed_frac") ?? 0));
        Assert.True(moved <= allowed * expected.Data.Length, $"{moved} of {expected.Data.Length} values differ");
    }

    [Theory, MemberData(nameof(Cases))]
    public void Default_variant_is_never_worse_than_the_released_one(string name)
    {
        ReferenceCase entry = Find(name);
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        (Matrix W, Matrix H, LayerResult result) = Run(entry, file, QuantizationVariant.Default);
        Assert.True(WeightedError.Of(W, result.Approximation, H) <= entry.Number("weighted_error") * (1 + 1e-6));
    }

    private static ReferenceCase Find(string name)
        => ReferenceCase.In(TestData.AnyPath("reference", "pb-llm")).Single(e => e.ToString() == name);

    private static (Matrix W, Matrix H, LayerResult Result) Run(ReferenceCase entry, SafetensorsFile file, QuantizationVariant variant)
    {
        Matrix W = ReferenceCase.MatrixOf(file, "W");
        Matrix H = ReferenceCase.MatrixOf(file, "H");
        var method = new PbLlm(new PbLlmOptions
        {
            LowFraction = entry.Number("low_frac"),
            Salience = entry.Text("salient_metric") == "hessian" ? SalienceMetric.Hessian : SalienceMetric.Magnitude,
            SalientBits = (int)entry.Number("high_bit"),
            Low = PbLlmNames.TryParse(entry.Text("method"))!.Value,
            GroupSize = (int)entry.Number("groupsize"),
            BlockSize = (int)entry.Number("blocksize"),
            DampingFraction = entry.Number("percdamp"),
            Compensation = entry.Flag("gptq"),
            Variant = variant,
        });
        return (W, H, method.Quantize(W, new LayerStatistics(H), ScaleFormat.Exact));
    }
}
