using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Quantization.ArbLlm;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>ARB-LLM: its refinements one by one, and what the method promises as a whole.</summary>
public sealed class ArbLlmTests
{
    private static readonly ToyLayer Layer = ToyLayer.Create(40, 120, seed: 5, dead: [3, 77]);

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void One_more_round_of_row_refinement_never_raises_the_error(int planes, bool hasMean)
    {
        for (int i = 0; i < Layer.W.Rows; i++)
        {
            double last = double.PositiveInfinity;
            for (int rounds = 0; rounds <= 15; rounds++)
            {
                RowGroup row = Group(Layer.W.Row(i));
                double error = ErrorOf(row, RowRefinement.Refine(row, planes, rounds, hasMean, OnThreshold.Upper));
                Assert.True(error <= last * (1 + 1e-9), $"row {i}, round {rounds}: {error} after {last}");
                last = error;
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Row_refinement_follows_its_definition_step_by_step(int planes)
    {
        for (int i = 0; i < 10; i++)
        {
            RowGroup row = Group(Layer.W.Row(i));
            RowLevels actual = RowRefinement.Refine(row, planes, 15, hasMean: true, OnThreshold.Middle);
            RowLevels expected = Definition(Layer.W.Row(i).ToArray(), planes, 15);
            Assert.Equal(expected.Mu, actual.Mu, 1e-8);
            Assert.Equal(expected.Alpha, actual.Alpha, 1e-8);
            Assert.Equal(expected.SecondAlpha, actual.SecondAlpha, 1e-8);
        }
    }

    [Fact]
    public void The_fifteenth_round_is_not_the_fourteenth()
    {
        foreach (string refine in (string[])["arb", "arb-x", "arb-rc"])
        {
            string line = $"arb-llm variant=released group-size=60 refine={refine} compensation=off";
            float[] fifteen = ToyMethods.Quantize(line, Layer).Approximation.Data;
            Assert.Equal(fifteen, ToyMethods.Quantize(line, Layer, "iterations=15").Approximation.Data);
            Assert.NotEqual(fifteen, ToyMethods.Quantize(line, Layer, "iterations=14").Approximation.Data);
        }
    }

    [Fact]
    public void One_more_round_of_row_and_column_scales_never_raises_the_error()
    {
        var groupOf = new byte[Layer.W.Data.Length];
        for (int k = 0; k < groupOf.Length; k++) groupOf[k] = (byte)(Layer.W.Data[k] > 0.1f ? 1 : 0);
        var block = new ArbBlock(Layer.W, groupOf, new bool[Layer.W.Columns], SearchMatrix.Ones(Layer.W.Columns), null);
        int[] columns = block.ColumnsOf(salient: false);
        MaskedColumns group = MaskedColumns.Of(block, 0, columns);
        double[] omega = SearchMatrix.Ones(group.Stride);
        (double One, double Two) last = (double.PositiveInfinity, double.PositiveInfinity);
        for (int rounds = 0; rounds <= 15; rounds++)
        {
            var rules = new RowColumnRules(rounds, 0, 1f);
            ScalePair one = RowColumnRefinement.Fit(group, omega, rules);
            TwoPlaneRowColumnRefinement two = TwoPlaneRowColumnRefinement.Fit(group, omega, rules);
            (double One, double Two) error = (0, 0);
            for (int i = 0; i < group.Rows; i++)
            {
                for (int c = 0; c < columns.Length; c++)
                {
                    int k = (i * group.Stride) + c;
                    double first = group.X[k] - (one.Alpha[i] * one.Beta[c] * SignBit.Of(group.X[k]) * group.Mask[k]);
                    double second = group.X[k] - (two.First.Alpha[i] * two.First.Beta[c] * two.FirstSigns[k]) - (two.Second.Alpha[i] * two.Second.Beta[c] * two.SecondSigns[k]);
                    error = (error.One + (first * first), error.Two + (second * second));
                }
            }

            Assert.True(error.One <= last.One * (1 + 1e-6), $"one plane, round {rounds}: {error.One} after {last.One}");
            Assert.True(error.Two <= last.Two * (1 + 1e-6), $"two planes, round {rounds}: {error.Two} after {last.Two}");
            last = error;
        }
    }

    [Fact]
    public void A_released_block_of_fewer_than_fifty_columns_is_refused_and_the_default_takes_it()
    {
        var exception = Assert.Throws<NumericsException>(() => ToyMethods.Quantize("arb-llm variant=released group-size=40", Layer));
        Assert.Contains("40 columns", exception.Message, StringComparison.Ordinal);
        Assert.Contains("--group-size", exception.Message, StringComparison.Ordinal);
        Assert.All(ToyMethods.Quantize("arb-llm group-size=40", Layer).Approximation.Data, q => Assert.True(float.IsFinite(q)));
    }

    [Fact]
    public void More_partitions_and_better_refinements_lower_the_error()
    {
        double Error(string options) => WeightedError.Of(Layer.W, ToyMethods.Quantize("arb-llm group-size=60 column-group-bitmap=off salience=hessian " + options, Layer).Approximation, Layer.H);
        foreach ((string better, string worse) in ((string, string)[])[
            ("partitions=2", "partitions=1"),
            ("refine=arb feedback=exact", "refine=none feedback=exact"),
            ("feedback=exact", "feedback=diagonal"),
            ("feedback=columns", "feedback=exact")])
        {
            (double low, double high) = (Error(better), Error(worse));
            Assert.True(low < high, $"{better}: {low}, {worse}: {high}");
        }
    }

    [Fact]
    public void Groups_are_numbered_as_in_the_authors_program_and_salient_columns_are_whole()
    {
        LayerResult result = ToyMethods.Quantize("arb-llm group-size=60 partitions=2", Layer);
        var stored = Assert.IsType<GroupedSignMatrix>(result.Quantized);
        Assert.Equal(6, stored.Groups.Count);
        Assert.Equal(3, stored.SalientGroups);
        for (int i = 0; i < Layer.W.Rows; i++)
        {
            for (int j = 0; j < Layer.W.Columns; j++)
            {
                int group = result.Group![(i * Layer.W.Columns) + j];
                Assert.Equal(stored.IsSalient![j], group < 3);
                Assert.Equal(stored.IsSalient[j], result.Salient![i, j]);
            }
        }

        Assert.Equal(1 + ((double)stored.IsSalient!.Count(s => s) / Layer.W.Columns), result.NominalBits);
    }

    private static RowGroup Group(ReadOnlySpan<float> w)
    {
        var row = new RowGroup(w.Length);
        row.Read(w, new byte[w.Length], 0, SearchMatrix.Ones(w.Length));
        return row;
    }

    private static double ErrorOf(RowGroup row, RowLevels levels)
    {
        double error = 0;
        for (int k = 0; k < row.Count; k++)
        {
            double e = row.X[k] - levels.Mu - (levels.Alpha * row.First[k]) - (levels.SecondAlpha * row.Second[k]);
            error += e * e;
        }

        return error;
    }

    /// <summary>The rounds as the paper states them, one mean, one scale, one sign at a time.</summary>
    private static RowLevels Definition(float[] w, int planes, int rounds)
    {
        int n = w.Length;
        double mu = w.Average(x => (double)x);
        double a1 = w.Average(x => Math.Abs(x - mu));
        double[] b1 = [.. w.Select(x => (double)Math.Sign(x - mu))];
        double[] b2 = new double[n];
        double a2 = 0;
        if (planes == 2)
        {
            double[] r = [.. w.Select((x, k) => x - mu - (a1 * b1[k]))];
            double second = r.Average();
            a2 = r.Average(x => Math.Abs(x - second));
            b2 = [.. r.Select(x => (double)Math.Sign(x - second))];
            mu += second;
        }

        for (int round = 0; round < rounds; round++)
        {
            double left = 0;
            for (int k = 0; k < n; k++) left += w[k] - (mu + (a1 * b1[k]) + (a2 * b2[k]));
            mu += left / n;
            a1 = Enumerable.Range(0, n).Sum(k => b1[k] * (w[k] - mu - (a2 * b2[k]))) / (b1.Sum(b => b * b) + 1e-8);
            if (planes == 1)
            {
                b1 = [.. w.Select(x => (double)Math.Sign(x - mu))];
                continue;
            }

            a2 = Enumerable.Range(0, n).Sum(k => b2[k] * (w[k] - mu - (a1 * b1[k]))) / (b2.Sum(b => b * b) + 1e-8);
            (double, double)[] signs = [(-1, -1), (-1, 1), (1, -1), (1, 1)];
            for (int k = 0; k < n; k++) (b1[k], b2[k]) = signs.MinBy(s => Math.Abs(w[k] - mu - (a1 * s.Item1) - (a2 * s.Item2)));
        }

        return new RowLevels(mu, a1, a2);
    }
}
