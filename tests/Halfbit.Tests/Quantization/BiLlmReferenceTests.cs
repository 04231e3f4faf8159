using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Quantization.BiLlm;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>BiLLM against layers quantized by the authors' own program.</summary>
public sealed class BiLlmReferenceTests
{
    public static TheoryData<string> Cases()
    {
        var data = new TheoryData<string>();
        if (TestData.Shared is null) return [string.Empty];
        foreach (ReferenceCase entry in ReferenceCase.In(TestData.SharedPath("reference", "billm"))) data.Add(entry.ToString());
        return data;
    }

    [SharedTheory, MemberData(nameof(Cases))]
    public void Released_variant_gives_the_columns_groups_and_values_of_the_authors_program(string name)
    {
        ReferenceCase entry = Find(name);
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        (Matrix W, Matrix H, LayerResult result) = Run(entry, file, Released(entry));
        bool isSensitive = entry.Entry.GetProperty("sensitivity_1e6_noise_on_H").GetProperty("Q_mismatch").GetDouble() > 0;
        double tolerance = isSensitive ? 0.05 : 1e-5 + (1.1 * entry.Entry.GetProperty("recomputed_float64").GetProperty("weighted_error_rel_change").GetDouble());
        Assert.InRange(WeightedError.Of(W, result.Approximation, H) / entry.Number("weighted_error"), 1 - tolerance, 1 + tolerance);
        if (isSensitive) return;

        byte[] groups = Groups(entry, file);
        Assert.Equal(groups, result.Group);
        int blockSize = entry.Entry.GetProperty("params").GetProperty("blocksize").GetInt32();
        int start = 0;
        foreach (JsonElement block in entry.Entry.GetProperty("blocks").EnumerateArray())
        {
            int[] expected = [.. block.GetProperty("salient_cols").EnumerateArray().Select(c => c.GetInt32()).Order()];
            int[] actual = [.. Enumerable.Range(0, Math.Min(blockSize, W.Columns - start)).Where(j => result.Salient![0, start + j])];
            Assert.Equal(expected, actual);
            start += blockSize;
        }

        // Where the program's own restatement differs by more than rounding, single cells are noise: residuals of exactly zero.
        Matrix Q = ReferenceCase.MatrixOf(file, entry.Text("tensor_Q"));
        float largest = Q.Data.Max(MathF.Abs);
        int moved = Q.Data.Zip(result.Approximation.Data).Count(p => MathF.Abs(p.First - p.Second) > 1e-5f * largest);
        double allowed = entry.Entry.GetProperty("recomputed_float64").GetProperty("share_above_1e5").GetDouble() > 0 ? 0.001 : 0;
        Assert.True(moved <= allowed * Q.Data.Length, $"{moved} of {Q.Data.Length} values differ");
    }

    /// <summary>Without feedback every block is searched as it is, so the searches can be compared number by number.</summary>
    [SharedTheory, MemberData(nameof(Cases))]
    public void The_searches_give_the_errors_splits_and_margins_of_the_authors_program(string name)
    {
        ReferenceCase entry = Find(name);
        if (Released(entry).Compensation) return;
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        Matrix W = ReferenceCase.MatrixOf(file, "W");
        HessianFactor factor = HessianFactor.Create(ReferenceCase.MatrixOf(file, "H"), Released(entry).DampingFraction);
        for (int i = 0; i < W.Rows; i++)
        {
            for (int j = 0; j < W.Columns; j++) W[i, j] = factor.IsDead[j] ? 0 : W[i, j];
        }

        JsonElement[] blocks = [.. entry.Entry.GetProperty("blocks").EnumerateArray()];
        ColumnRange[] ranges = [.. ColumnRange.Split(W.Columns, Released(entry).GroupSize)];
        for (int b = 0; b < blocks.Length; b++)
        {
            Matrix values = Matrix.CopyOf(W.View[ranges[b]]);
            if (Released(entry).Salience == SalienceMetric.Hessian)
                SearchMatrix.Scores(W.View[ranges[b]], Matrix.CopyOf(factor.U.View.RowRange(ranges[b].Start, ranges[b].Count)[ranges[b]]), values);
            var S = new SearchMatrix(values, SearchMatrix.Ones(values.Columns));
            SalientColumns salient = SalientColumnSearch.Find(S, S.ColumnSums(), 1, SalientColumnSearch.Most);
            AssertNear("col_best_err", salient.Error / values.Data.Length);
            AssertNear("col_margin", Margin(salient.Errors), 1e-3 + (0.002 / Number("col_margin")));
            Assert.Equal(Number("n_salient"), salient.Count);

            var magnitudes = new float[values.Data.Length];
            S.CopyMagnitudes(salient.IsSalient, excludedAreZeros: true, magnitudes);
            float[] candidates = new QuantileGrid(81, QuantileArithmetic.Mixed).Of(magnitudes);
            Split split = SplitSearch.Find(S, salient.IsSalient, [candidates]);
            Assert.Equal(Number("split_index"), split.Index);
            AssertNear("split", candidates[split.Index], 1e-5);

            // The program's error includes the salient columns, whatever the split.
            Split ofSalient = SplitSearch.Find(S, Array.ConvertAll(salient.IsSalient, s => !s), [[0f]], planes: 2);
            AssertNear("split_best_err", (split.Error + ofSalient.Error) / values.Data.Length);

            double Number(string field) => blocks[b].GetProperty(field).GetDouble();
            void AssertNear(string field, double actual, double tolerance = 1e-5) => Assert.InRange(actual / Number(field), 1 - tolerance, 1 + tolerance);
        }
    }

    private static double Margin(double[] errors)
    {
        double[] ascending = [.. errors.Order()];
        return (ascending[1] - ascending[0]) / ascending[0];
    }

    [SharedTheory, MemberData(nameof(Cases))]
    public void Default_variant_is_never_worse_than_the_authors_program(string name)
    {
        ReferenceCase entry = Find(name);
        using SafetensorsFile file = SafetensorsFile.Open(entry.FilePath);
        BiLlmOptions released = Released(entry);
        foreach (SalienceMetric metric in (SalienceMetric[])[SalienceMetric.Auto, released.Salience])
        {
            (Matrix W, Matrix H, LayerResult result) = Run(entry, file, new BiLlmOptions { Salience = metric, Compensation = released.Compensation });
            Assert.InRange(WeightedError.Of(W, result.Approximation, H) / entry.Number("weighted_error"), 0, 1);
        }
    }

    private static ReferenceCase Find(string name)
        => ReferenceCase.In(TestData.SharedPath("reference", "billm")).Single(e => e.ToString() == name);

    private static BiLlmOptions Released(ReferenceCase entry)
    {
        JsonElement parameters = entry.Entry.GetProperty("params");
        return BiLlmOptions.Released with
        {
            Salience = parameters.GetProperty("salient_metric").GetString() == "hessian" ? SalienceMetric.Hessian : SalienceMetric.Magnitude,
            GroupSize = parameters.GetProperty("blocksize").GetInt32(),
            DampingFraction = parameters.GetProperty("percdamp").GetDouble(),
            Compensation = parameters.GetProperty("gptq").GetBoolean(),
        };
    }

    private static (Matrix W, Matrix H, LayerResult Result) Run(ReferenceCase entry, SafetensorsFile file, BiLlmOptions options)
    {
        Matrix W = ReferenceCase.MatrixOf(file, "W");
        Matrix H = ReferenceCase.MatrixOf(file, "H");
        return (W, H, new BiLlm(options).Quantize(W, new LayerStatistics(H), ScaleFormat.Exact));
    }

    /// <summary>The group of each weight: one base-4 digit of a packed tensor.</summary>
    private static byte[] Groups(ReferenceCase entry, SafetensorsFile file)
    {
        JsonElement group = entry.Entry.GetProperty("group");
        int digit = group.GetProperty("digit").GetInt32();
        return Array.ConvertAll(ReferenceCase.MatrixOf(file, group.GetProperty("tensor").GetString()!).Data, v => (byte)(((int)v >> (2 * digit)) & 3));
    }
}
