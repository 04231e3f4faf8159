using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Quantization;
using Halfbit.Quantization.StbLlm;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>STBLLM against layers quantized by the authors' functions.</summary>
public sealed class StbLlmReferenceTests
{
    public static TheoryData<string> Released() => StbLlmReference.Names("stbllm-release");

    public static TheoryData<string> Sparse() => StbLlmReference.Names("stbllm-derived-sparse");

    [SharedTheory, MemberData(nameof(Released))]
    public void Released_variant_gives_the_masks_groups_and_values_of_the_authors_program(string name)
    {
        (ReferenceCase entry, LayerResult result, double ratio) = Run(name, StbLlmOptions.Released);
        AssertSame(entry, result, ratio);
        Assert.Null(((GroupedSignMatrix)result.Quantized).Keep); // its zeros are lost

        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        int start = 0;
        foreach (JsonElement block in entry.Entry.GetProperty("blocks").EnumerateArray())
        {
            int[] expected = [.. block.GetProperty("salient_cols").EnumerateArray().Select(c => c.GetInt32()).Order()];
            int width = Math.Min(128, result.Approximation.Columns - start);
            Assert.Equal(expected, Enumerable.Range(0, width).Where(j => result.Salient![0, start + j]));
            start += width;
        }
    }

    [SharedTheory, MemberData(nameof(Sparse))]
    public void With_the_programs_settings_and_its_zeros_kept_the_values_are_those_of_the_authors_functions(string name)
    {
        (ReferenceCase entry, LayerResult result, double ratio) = Run(name, StbLlmOptions.Released with { Variant = QuantizationVariant.Default });
        AssertSame(entry, result, ratio);
        Assert.Equal(entry.Number("zeros_fraction_in_Q"), (double)result.Approximation.Data.Count(q => q == 0) / result.Approximation.Data.Length);
    }

    [SharedTheory, MemberData(nameof(Released))]
    public void Default_variant_is_never_worse_than_the_authors_program_and_keeps_exactly_its_pattern(string name)
    {
        foreach ((bool hasMeans, int scaleBits) in ((bool, int)[])[(true, 16), (false, 8)])
        {
            (ReferenceCase entry, LayerResult result, double ratio) = Run(name, new StbLlmOptions { HasMeans = hasMeans, ScaleBits = scaleBits }, isOurs: true);
            Assert.InRange(ratio, 0, 0.5); // measured: 0.06 to 0.38
            NOfM pattern = StbLlmReference.Pattern(entry);
            Matrix stored = Matrix.Expand(new PackedMatrix(Packer.Pack(result.Quantized)));
            for (int i = 0; i < stored.Rows; i++)
            {
                for (int first = 0; first < stored.Columns; first += pattern.M)
                    Assert.Equal(pattern.N, Enumerable.Range(first, pattern.M).Count(j => stored[i, j] != 0));
            }
        }
    }

    [SharedFact]
    public void Split_thresholds_are_those_of_the_authors_function()
    {
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(StbLlmReference.Folder, "pieces.safetensors"));
        Matrix scores = ReferenceCase.MatrixOf(file, "tri_scores");
        float[] expected = StbLlmReference.Vector(file, "tri_group");
        var S = new Halfbit.Quantization.Steps.SearchMatrix(scores, Halfbit.Quantization.Steps.SearchMatrix.Ones(scores.Columns));
        Trisection division = TrisectionSearch.Find(S, S.ColumnSums(), asProgram: true, hasMeans: true);
        byte[] number = [3, 0, 1, 2];
        for (int k = 0; k < expected.Length; k++) Assert.Equal(expected[k], number[division.GroupOf(k % scores.Columns, scores.Data[k])]);
        Assert.Equal(StbLlmReference.Vector(file, "tri_split"), new float[] { division.First, division.Second });
    }

    /// <summary>Masks and groups equal; values and error within what the reference says of itself.</summary>
    private static void AssertSame(ReferenceCase entry, LayerResult result, double ratio)
    {
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        Assert.Equal(StbLlmReference.Keep(file, entry.Entry.GetProperty("keep").GetProperty("bit").GetInt32()), StbLlmReference.Flags(result.Keep!));
        Assert.Equal(StbLlmReference.Groups(file, entry.Entry.GetProperty("group").GetProperty("digit").GetInt32()), result.Group);
        Assert.InRange(ratio, 1 - 1e-4, 1 + 1e-4);

        // Where the reference's own restatement differs by more than rounding, single cells are noise: residuals of exactly zero.
        float[] expected = StbLlmReference.Vector(file, entry.Text("tensor_Q"));
        float bound = 1e-5f * StbLlmReference.Vector(file, "W").Max(MathF.Abs);
        int moved = expected.Zip(result.Approximation.Data).Count(p => MathF.Abs(p.First - p.Second) > bound);
        double allowed = entry.Entry.GetProperty("recomputed_float64").GetProperty("share_above_1e5").GetDouble();
        Assert.True(moved <= allowed * expected.Length, $"{moved} of {expected.Length} values differ, {allowed * expected.Length} may");
    }

    private static (ReferenceCase Entry, LayerResult Result, double Ratio) Run(string name, StbLlmOptions options, bool isOurs = false)
    {
        ReferenceCase entry = StbLlmReference.Find(name);
        JsonElement parameters = entry.Entry.GetProperty("params");
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        Matrix W = ReferenceCase.MatrixOf(file, "W");
        Matrix H = ReferenceCase.MatrixOf(file, "H");
        options = options with { Keep = StbLlmReference.Pattern(entry), Compensation = parameters.GetProperty("gptq").GetBoolean() };
        if (!isOurs) options = options with { Salience = parameters.GetProperty("salient_metric").GetString() == "hessian" ? SalienceMetric.Hessian : SalienceMetric.Magnitude };
        LayerResult result = new StbLlm(options).Quantize(W, new LayerStatistics(H, StbLlmReference.Vector(file, "feature_sq_norm")), isOurs ? ToyMethods.HalfFor(W) : ScaleFormat.Exact);
        return (entry, result, WeightedError.Of(W, result.Approximation, H) / entry.Number("weighted_error"));
    }
}
