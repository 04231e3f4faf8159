using Halfbit.Numerics;
using Halfbit.Quantization.Levels;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>Codes and levels that are fitted to each other.</summary>
public sealed class LevelTileTests
{
    private const int Width = 24;

    public static TheoryData<int, int, bool, string> Shapes() => new()
    {
        { 1, 1, false, "" },
        { 1, 2, false, "" },
        { 2, 3, true, "" },
        { 1, 1, false, "4:8" },
        { 1, 3, true, "5:8" },
        { 2, 2, false, "2:4" },
    };

    [Fact]
    public void The_metric_is_the_hessian_that_remains_when_later_columns_make_up_for_a_block()
    {
        ToyLayer layer = ToyLayer.Create(1, Width, seed: 9);
        HessianFactor factor = HessianFactor.Create(layer.H, 0.01);
        var U = new Matrix(8, 8);
        for (int i = 0; i < 8; i++)
        {
            for (int j = 0; j < 8; j++) U[i, j] = factor.U[i, j];
        }

        // The Schur complement by elimination of the last columns from the damped Hessian.
        var S = new double[Width, Width];
        for (int i = 0; i < Width; i++)
        {
            for (int j = 0; j < Width; j++) S[i, j] = layer.H[i, j] + (i == j ? factor.Delta : 0);
        }

        for (int k = Width - 1; k >= 8; k--)
        {
            for (int i = 0; i < k; i++)
            {
                for (int j = 0; j < k; j++) S[i, j] -= S[i, k] * S[k, j] / S[k, k];
            }
        }

        BlockMetric metric = BlockMetric.WithFeedback(new ColumnBlock(0, new ColumnRange(0, 8), U), factor.IsDead);
        double largest = Enumerable.Range(0, 8).Max(j => S[j, j]);
        for (int i = 0; i < 8; i++)
        {
            for (int j = 0; j < 8; j++) Assert.InRange(metric.G[i, j] - S[i, j], -1e-5 * largest, 1e-5 * largest);
            Assert.Equal(1 / (U[i, i] * U[i, i]), metric.Weight[i], 1e-4f * metric.Weight[i]);
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Refitting_levels_and_changing_codes_never_raise_the_cost_of_the_error(int salientGroups, int plainGroups, bool hasMean, string pattern)
    {
        foreach (int seed in (int[])[1, 2, 3])
        {
            (LevelTile tile, BlockMetric metric) = Create(salientGroups, plainGroups, hasMean, pattern, seed);
            bool selects = pattern.Length > 0;
            tile.Initialize();
            tile.Walk(selects, 0, Width);
            double[] last = Cost(tile, metric);
            for (int round = 0; round < 3; round++)
            {
                tile.Refit();
                tile.Descend(sweeps: 0);
                last = NotAbove(last, Cost(tile, metric), $"seed {seed}, refit {round}");
                tile.Descend(1, selects);
                last = NotAbove(last, Cost(tile, metric), $"seed {seed}, descent {round}");
            }
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Levels_ascend_and_values_are_those_of_the_codes(int salientGroups, int plainGroups, bool hasMean, string pattern)
    {
        (LevelTile tile, _) = Create(salientGroups, plainGroups, hasMean, pattern, seed: 4);
        tile.Initialize();
        tile.Walk(pattern.Length > 0, 0, Width);
        tile.Refit();
        tile.Descend(2, pattern.Length > 0);
        tile.Refit();
        int salientLevels = 2 * salientGroups;
        for (int lane = 0; lane < RowTile.Lanes; lane++)
        {
            for (int l = 1; l < salientLevels + plainGroups; l++)
            {
                if (l != salientLevels) Assert.True(tile.Levels[((l - 1) * RowTile.Lanes) + lane] <= tile.Levels[(l * RowTile.Lanes) + lane]);
            }
        }

        tile.Descend(sweeps: 0);
        for (int j = 0; j < Width; j++)
        {
            for (int lane = 0; lane < RowTile.Lanes; lane++)
            {
                float code = tile.Code[(j * RowTile.Lanes) + lane];
                if (tile.Keep[(j * RowTile.Lanes) + lane] == 0)
                {
                    Assert.Equal(0f, tile.Q[(j * RowTile.Lanes) + lane]);
                    continue;
                }

                int level = (j % 6 == 0 ? 0 : salientLevels) + (int)MathF.Abs(code) - 1;
                float value = tile.Mu[lane] + MathF.CopySign(tile.Levels[(level * RowTile.Lanes) + lane], code);
                Assert.Equal(value, tile.Q[(j * RowTile.Lanes) + lane]);
            }
        }
    }

    [Theory, InlineData("4:8"), InlineData("1:8"), InlineData("8:8"), InlineData("2:4"), InlineData("3:5")]
    public void Every_run_keeps_as_many_weights_as_its_pattern_says(string pattern)
    {
        NOfM runs = Pattern(pattern)!.Value;
        (LevelTile tile, _) = Create(1, 2, hasMean: false, pattern, seed: 5);
        tile.Initialize();
        tile.Walk(selects: true, 0, Width);
        tile.Refit();
        tile.Descend(3, swaps: true);
        for (int lane = 0; lane < RowTile.Lanes; lane++)
        {
            for (int start = 0; start < Width; start += runs.M)
            {
                float kept = 0;
                for (int j = start; j < Math.Min(Width, start + runs.M); j++)
                {
                    kept += tile.Keep[(j * RowTile.Lanes) + lane];
                    Assert.Equal(tile.Keep[(j * RowTile.Lanes) + lane] != 0, tile.Code[(j * RowTile.Lanes) + lane] != 0);
                }

                Assert.Equal(runs.KeptOfRun(start, Width), kept);
            }
        }
    }

    [Fact]
    public void Dead_columns_cost_nothing_and_are_left_out_first()
    {
        ToyLayer layer = ToyLayer.Create(16, Width, seed: 6, dead: [1, 3, 5, 7]);
        HessianFactor factor = HessianFactor.Create(layer.H, 0.01);
        BlockMetric metric = BlockMetric.WithFeedback(new ColumnBlock(0, new ColumnRange(0, Width), factor.U), factor.IsDead);
        var tile = new LevelTile(new LevelShape { PlainGroups = 1, Pattern = new NOfM(4, 8) }, metric, new bool[Width], Ones());
        RowTile.Load(layer.W.View, 0, tile.X);
        Array.Fill(tile.Keep, 1f);
        tile.Initialize();
        tile.Walk(selects: true, 0, Width);
        foreach (int j in (int[])[1, 3, 5, 7])
        {
            Assert.Equal(0f, metric.Weight[j]);
            for (int lane = 0; lane < RowTile.Lanes; lane++) Assert.Equal(0f, tile.Keep[(j * RowTile.Lanes) + lane]);
        }
    }

    [Fact]
    public void Small_systems_are_solved_and_singular_ones_refused()
    {
        double[] A = [4, 2, 1, 0, 5, 3, 0, 0, 6];
        double[] x = [11, 21, 25];
        Assert.True(SmallSystem.TrySolve(A, x, 3));
        Assert.Equal(1, x[0], 1e-12);
        Assert.Equal(2, x[1], 1e-12);
        Assert.Equal(3, x[2], 1e-12);
        Assert.False(SmallSystem.TrySolve([1, 1, 0, 1], new double[2], 2));
    }

    private static (LevelTile Tile, BlockMetric Metric) Create(int salientGroups, int plainGroups, bool hasMean, string pattern, int seed)
    {
        ToyLayer layer = ToyLayer.Create(16, Width, seed);
        HessianFactor factor = HessianFactor.Create(layer.H, 0.01);
        BlockMetric metric = BlockMetric.WithFeedback(new ColumnBlock(0, new ColumnRange(0, Width), factor.U), factor.IsDead);
        var shape = new LevelShape { SalientGroups = salientGroups, PlainGroups = plainGroups, HasMean = hasMean, Pattern = Pattern(pattern) };
        bool[] isSalient = [.. Enumerable.Range(0, Width).Select(j => j % 6 == 0)];
        var tile = new LevelTile(shape, metric, isSalient, Ones());
        RowTile.Load(layer.W.View, 0, tile.X);
        Array.Fill(tile.Keep, 1f);
        return (tile, metric);
    }

    private static float[] Ones() => [.. Enumerable.Repeat(1f, Width)];

    private static NOfM? Pattern(string text) => text.Length == 0 ? null : new NOfM(text[0] - '0', text[2] - '0');

    /// <summary>r·G·rᵀ of each row, in double precision.</summary>
    private static double[] Cost(LevelTile tile, BlockMetric metric)
    {
        var cost = new double[RowTile.Lanes];
        for (int lane = 0; lane < cost.Length; lane++)
        {
            double R(int j) => (double)tile.X[(j * RowTile.Lanes) + lane] - tile.Q[(j * RowTile.Lanes) + lane];
            for (int i = 0; i < Width; i++)
            {
                for (int j = 0; j < Width; j++) cost[lane] += R(i) * metric.G[i, j] * R(j);
            }
        }

        return cost;
    }

    private static double[] NotAbove(double[] before, double[] after, string step)
    {
        for (int lane = 0; lane < before.Length; lane++)
            Assert.True(after[lane] <= before[lane] * (1 + 1e-5), $"{step}, row {lane}: {after[lane]} after {before[lane]}");
        return after;
    }
}
