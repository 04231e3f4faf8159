using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Tests.Reference;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>The searches of the block methods against their definitions and against pieces of the authors' programs.</summary>
[Collection("thread count")]
public sealed class BlockSearchTests
{
    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(1, 7, false)]
    [InlineData(3, 2, false)]
    [InlineData(9, 50, false)]
    [InlineData(70, 61, false)]
    [InlineData(21, 64, true)]
    [InlineData(5, 130, true)]
    public void Column_search_gives_the_errors_of_its_definition(int rows, int columns, bool isMasked)
    {
        foreach (Content content in Enum.GetValues<Content>())
        {
            foreach (bool hasMeans in (bool[])[true, false])
            {
                SearchMatrix S = Random(rows, columns, content, isMasked, seed: rows + columns);
                int most = Math.Min(columns, 12);
                SalientColumns found = SalientColumnSearch.Find(S, S.ColumnSums(), 0, most, hasMeans);
                double[] expected = SearchDefinition.ColumnErrors(S, 0, most, hasMeans);
                AssertNear(expected, found.Errors, Energy(S));
                Assert.Equal(found.Count, found.IsSalient.Count(s => s));
                Assert.Equal(found.Errors.Min(), found.Error);
                Assert.Equal(Array.IndexOf(found.Errors, found.Error), found.Count);
            }
        }
    }

    [Theory]
    [InlineData(1, 1, 1, false)]
    [InlineData(3, 2, 1, false)]
    [InlineData(1, 40, 2, false)]
    [InlineData(70, 33, 1, false)]
    [InlineData(9, 64, 2, false)]
    [InlineData(21, 64, 1, true)]
    [InlineData(6, 150, 2, true)]
    public void Split_search_gives_the_errors_of_its_definition(int rows, int columns, int planes, bool isMasked)
    {
        foreach (Content content in Enum.GetValues<Content>())
        {
            foreach (bool hasMeans in (bool[])[true, false])
            {
                SearchMatrix S = Random(rows, columns, content, isMasked, seed: 3 * (rows + columns));
                bool[] isExcluded = [.. Enumerable.Range(0, columns).Select(j => columns > 1 && j % 5 == 1)];
                var magnitudes = new float[rows * columns];
                int count = S.CopyMagnitudes(isExcluded, excludedAreZeros: true, magnitudes);
                float[] p = new QuantileGrid(17, QuantileArithmetic.Mixed).Of(magnitudes.AsSpan(0, count));
                float[][][] tried = [[p], [p, Array.ConvertAll(p, v => 2 * v)]];
                foreach (float[][] bounds in tried)
                {
                    Split found = SplitSearch.Find(S, isExcluded, bounds, planes, hasMeans);
                    AssertNear(SearchDefinition.SplitErrors(S, isExcluded, bounds, planes, hasMeans), found.Errors, Energy(S));
                    Assert.Equal(Array.IndexOf(found.Errors, found.Errors.Min()), found.Index);
                }
            }
        }
    }

    [Fact]
    public void Searches_do_not_depend_on_the_number_of_threads()
    {
        SearchMatrix S = Random(300, 80, Content.Normal, isMasked: false, seed: 4);
        (double[] Columns, double[] Splits)[] results = [.. new[] { 1, 2, 5 }.Select(threads =>
        {
            using var count = new ThreadCount(threads);
            return (SalientColumnSearch.Find(S, S.ColumnSums(), 1, 49).Errors, SplitSearch.Find(S, null, [[0.01f, 0.02f, 0.05f]]).Errors);
        })];
        Assert.Equal(results[0].Columns, results[1].Columns);
        Assert.Equal(results[0].Columns, results[2].Columns);
        Assert.Equal(results[0].Splits, results[1].Splits);
        Assert.Equal(results[0].Splits, results[2].Splits);
    }

    [Fact]
    public void Ties_among_columns_go_to_the_lower_index_and_among_candidates_to_the_first()
    {
        var values = new Matrix(2, 6, [3, 1, 3, 1.2f, 3, 1, -3.3f, -1, -3, -1, -3.3f, -1]);
        var S = new SearchMatrix(values, SearchMatrix.Ones(6));
        Assert.Equal([true, false, false, false, false, false], SalientColumnSearch.Find(S, S.ColumnSums(), 1, 1).IsSalient);
        Assert.Equal([true, false, false, false, true, false], SalientColumnSearch.Find(S, S.ColumnSums(), 2, 2).IsSalient);
        Assert.Equal(1, SplitSearch.Find(S, null, [[0.5f, 2f, 2f, 2.5f]]).Index);
    }

    [Fact]
    public void Lanes_are_sorted_for_every_length()
    {
        var random = new Random(5);
        for (int n = 0; n < 140; n++)
        {
            int lanes = System.Numerics.Vector<double>.Count;
            double[][] expected = [.. Enumerable.Range(0, lanes).Select(_ => Enumerable.Range(0, n).Select(_ => (double)random.Next(-9, 9) + 0.5).ToArray())];
            System.Numerics.Vector<double>[] keys =
                [.. Enumerable.Range(0, n).Select(k => new System.Numerics.Vector<double>([.. Enumerable.Range(0, lanes).Select(l => expected[l][k])]))];
            LaneSort.Sort(keys);
            for (int l = 0; l < lanes; l++) Assert.Equal(expected[l].Order(), keys.Select(k => k[l]));
        }
    }

    [Fact]
    public void Selected_ranks_are_those_of_the_sorted_values()
    {
        var random = new Random(6);
        foreach (int n in (int[])[1, 2, 100, 5000])
        {
            float[] values = [.. Enumerable.Range(0, n).Select(k => k % 3 == 0 ? 0f : MathF.Abs((float)ToyLayer.Gauss(random)))];
            int[] ranks = [.. Enumerable.Range(0, 40).Select(_ => random.Next(n)).Order()];
            var selected = new float[40];
            RankSelection.Select(values, ranks, selected);
            float[] sorted = [.. values.Order()];
            Assert.Equal(ranks.Select(r => sorted[r]), selected);
        }
    }

    [Fact]
    public void Levels_without_means_and_weighted_levels_follow_the_definition()
    {
        var random = new Random(7);
        for (int n = 1; n < 40; n += 3)
        {
            float[] x = [.. Enumerable.Range(0, n).Select(_ => (float)ToyLayer.Gauss(random))];
            double[] omega = [.. Enumerable.Range(0, n).Select(j => j % 4 == 1 ? 0 : 0.1 + random.NextDouble())];
            foreach (bool hasMeans in (bool[])[true, false])
            {
                double[] expected = SearchDefinition.Residual([.. x.Select(v => (double)v)], [.. x.Select(_ => true)], omega, 2, hasMeans);
                (float[] approximation, float[] mu) = Fit(x, omega, 2, hasMeans);
                for (int j = 0; j < n; j++) Assert.Equal(expected[j], approximation[j], 1e-5);
                Assert.Equal(hasMeans, mu.Any(m => m != 0));
            }
        }
    }

    [SharedFact]
    public void Residual_binarization_is_that_of_the_authors_program()
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestData.SharedPath("reference", "stbllm", "pieces.safetensors"));
        Matrix x = ReferenceCase.MatrixOf(file, "residual_x");
        Matrix mask = ReferenceCase.MatrixOf(file, "residual_mask");
        foreach ((string name, int order, bool isMasked) in ((string, int, bool)[])[("residual_order1", 1, true), ("residual_order2", 2, true), ("residual_order2_full", 2, false)])
        {
            Matrix expected = ReferenceCase.MatrixOf(file, name);
            float largest = expected.Data.Max(MathF.Abs);
            for (int i = 0; i < x.Rows; i++)
            {
                int[] cells = [.. Enumerable.Range(0, x.Columns).Where(j => !isMasked || mask[i, j] != 0)];
                (float[] approximation, _) = Fit([.. cells.Select(j => x[i, j])], SearchMatrix.Ones(cells.Length), order, hasMeans: true);
                var actual = new float[x.Columns];
                for (int k = 0; k < cells.Length; k++) actual[cells[k]] = approximation[k];
                for (int j = 0; j < x.Columns; j++) Assert.True(MathF.Abs(expected[i, j] - actual[j]) <= 2e-6f * largest, $"{name} [{i}, {j}]: {actual[j]}, expected {expected[i, j]}");
            }
        }
    }

    [SharedFact]
    public void Quantile_grids_are_those_of_the_authors_programs()
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestData.SharedPath("reference", "stbllm", "pieces.safetensors"));
        using SafetensorsFile common = SafetensorsFile.Open(TestData.SharedPath("reference", "common", "arb-quantile-probabilities.safetensors"));
        float[] x = [.. file.TryFind("quantile_x")!.ReadAll()];
        foreach (int count in (int[])[81, 160])
        {
            var grid = new QuantileGrid(count, QuantileArithmetic.Mixed);
            Assert.Equal(file.TryFind($"percentiles_{count}")!.ReadAll(), grid.Probabilities);
            Assert.Equal(file.TryFind($"quantile_{count}")!.ReadAll(), grid.Of(x));
        }

        Assert.Equal(common.TryFind("probs")!.ReadAll(), new QuantileGrid(81, QuantileArithmetic.Single).Probabilities);
    }

    [SharedFact]
    public void Trisection_is_that_of_the_authors_program()
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestData.SharedPath("reference", "stbllm", "pieces.safetensors"));
        Matrix scores = ReferenceCase.MatrixOf(file, "tri_scores");
        float[] split = file.TryFind("tri_split")!.ReadAll();
        float[] group = file.TryFind("tri_group")!.ReadAll();
        var S = new SearchMatrix(scores, SearchMatrix.Ones(scores.Columns));

        // The salient columns are not stored: those whose cells are all of group 3.
        bool[] isSalient = [.. Enumerable.Range(0, scores.Columns).Select(j => Enumerable.Range(0, scores.Rows).All(i => group[(i * scores.Columns) + j] == 3))];
        var magnitudes = new float[scores.Data.Length];
        S.CopyMagnitudes(isSalient, excludedAreZeros: true, magnitudes);
        double[] grid = new QuantileGrid(160, QuantileArithmetic.Mixed).ExactOf(magnitudes);
        double[] tried = [.. grid.Where(p => 2 * p <= grid[^1])];
        Split found = SplitSearch.Find(S, isSalient, [Array.ConvertAll(tried, p => (float)p), Array.ConvertAll(tried, p => (float)(2 * p))]);
        Assert.Equal(split[0], (float)tried[found.Index]);
    }

    /// <summary>Kinds of values, from harmless to hostile.</summary>
    private enum Content
    {
        Normal,
        Squares,
        ManyZeros,
        FewValues,
        Constant,
        AllZero,
    }

    private static SearchMatrix Random(int rows, int columns, Content content, bool isMasked, int seed)
    {
        var random = new Random(seed);
        var values = new Matrix(rows, columns);
        foreach (ref float v in values.Data.AsSpan())
        {
            double x = ToyLayer.Gauss(random);
            v = (float)(content switch
            {
                Content.Normal => 0.3 + x,
                Content.Squares => x * x,
                Content.ManyZeros => random.Next(2) * x,
                Content.FewValues => ((double[])[-1.31, -0.42, 0.07, 0.59, 1.73])[random.Next(5)],
                Content.Constant => -0.25,
                _ => 0,
            });
        }

        double[] omega = isMasked ? [.. Enumerable.Range(0, columns).Select(j => j % 7 == 3 ? 0 : 0.2 + random.NextDouble())] : SearchMatrix.Ones(columns);
        if (!isMasked) return new SearchMatrix(values, omega);
        var keep = new BitMatrix(rows, columns + 3);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) keep[i, j + 3] = i != 2 && random.Next(8) < 5;
        }

        return new SearchMatrix(values, omega, keep, keepStart: 3);
    }

    private static double Energy(SearchMatrix S)
        => Enumerable.Range(0, S.Rows).Sum(i => Enumerable.Range(0, S.Columns).Sum(j => S.Omega[j] * S.Values[i, j] * S.Values[i, j]));

    private static void AssertNear(double[] expected, double[] actual, double scale)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int k = 0; k < expected.Length; k++) Assert.True(Math.Abs(expected[k] - actual[k]) <= 1e-12 * scale, $"{k}: {actual[k]}, expected {expected[k]}");
    }

    private static (float[] Approximation, float[] Mu) Fit(float[] x, double[] omega, int order, bool hasMeans)
    {
        var mu = new float[order];
        var alpha = new float[order];
        var signs = new sbyte[order * x.Length];
        var residual = new float[x.Length];
        ResidualBinarization.Fit(x, omega, hasMeans, OnThreshold.Middle, mu, alpha, signs, residual);
        return ([.. Enumerable.Range(0, x.Length).Select(j => x[j] - residual[j])], mu);
    }
}
