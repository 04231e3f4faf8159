using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>ARB-LLM against layers quantized by the authors' own program.</summary>
public sealed class ArbLlmReferenceTests
{
    public static TheoryData<string> Cases()
    {
        var data = new TheoryData<string>();
        if (TestData.Shared is null) return [string.Empty];
        foreach (ReferenceCase entry in ReferenceCase.In(TestData.SharedPath("reference", "arb-llm"))) data.Add(entry.ToString());
        return data;
    }

    [SharedTheory, MemberData(nameof(Cases))]
    public void Released_variant_gives_the_groups_and_values_of_the_authors_program(string name)
    {
        ReferenceCase entry = Find(name);
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        (Matrix W, Matrix H, LayerResult result) = Run(entry, file, "variant=released", "salience=" + entry.Text("salient_metric"));
        byte[] groups = ReferenceCase.Mask(file, entry.Text("tensor_group"));
        Assert.Equal(0, groups.Zip(result.Group!).Count(p => p.First != p.Second));

        double bound = Math.Max(1e-5, 4 * (entry.NumberOrNull("sens_werr_rel") ?? 0));
        double error = WeightedError.Of(W, result.Approximation, H);
        Assert.InRange(error / entry.Number("weighted_error"), 1 - bound, 1 + bound);

        Matrix expected = ReferenceCase.MatrixOf(file, entry.Text("tensor_Q"));
        float largest = expected.Data.Max(MathF.Abs);
        int moved = expected.Data.Zip(result.Approximation.Data).Count(p => MathF.Abs(p.First - p.Second) > 1e-4f * largest);
        double allowed = Math.Max(0.001, 4 * (entry.NumberOrNull("sens_changed_frac") ?? 0));
        Assert.True(moved <= allowed * expected.Data.Length, $"{moved} of {expected.Data.Length} values differ");
    }

    [SharedTheory, MemberData(nameof(Cases))]
    public void Default_variant_is_never_worse_than_the_released_one(string name)
    {
        ReferenceCase entry = Find(name);
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        (Matrix W, Matrix H, LayerResult result) = Run(entry, file);
        double error = WeightedError.Of(W, result.Approximation, H);
        Assert.True(error <= entry.Number("weighted_error"), $"{error / entry.Number("weighted_error")} of the program's error");
    }

    private static ReferenceCase Find(string name)
        => ReferenceCase.In(TestData.SharedPath("reference", "arb-llm")).Single(e => e.ToString() == name);

    private static (Matrix W, Matrix H, LayerResult Result) Run(ReferenceCase entry, SafetensorsFile file, params string[] more)
    {
        Matrix W = ReferenceCase.MatrixOf(file, "W");
        Matrix H = ReferenceCase.MatrixOf(file, "H");
        string method = entry.Text("method");
        string line = string.Join(
            ' ',
            "arb-llm",
            "refine=" + (method == "braq" ? "none" : method),
            "column-group-bitmap=" + (entry.Flag("cgb") ? "on" : "off"),
            "partitions=" + (int)entry.Number("num_p"),
            "group-size=" + (int)entry.Number("groupsize"),
            "block-size=" + (int)entry.Number("blocksize"),
            "compensation=" + (entry.Flag("gptq") ? "on" : "off"));
        return (W, H, ToyMethods.Create(line, more).Quantize(W, new LayerStatistics(H), ScaleFormat.Exact));
    }
}
