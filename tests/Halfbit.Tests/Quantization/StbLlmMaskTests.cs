using System.Globalization;
using System.Text.Json;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Quantization.StbLlm;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>Importance, the choice of kept weights, and how many each block keeps.</summary>
public sealed class StbLlmMaskTests
{
    public static TheoryData<string> Files() => ["a_gauss_96x256", "b_student_128x384", "c_tail_64x320", "d_dead_64x256"];

    [SharedTheory, MemberData(nameof(Files))]
    public void Scores_and_kept_sets_are_those_of_the_authors_functions(string name)
    {
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(StbLlmReference.Folder, name + ".safetensors"));
        Matrix W = ReferenceCase.MatrixOf(file, "W");
        float[] norm = StbLlmReference.Vector(file, "feature_sq_norm");
        foreach ((ImportanceScore score, string tensor) in ((ImportanceScore, string)[])[(ImportanceScore.Relative, "si_ria"), (ImportanceScore.Standardized, "si_paper_from_memory")])
        {
            float[] expected = StbLlmReference.Vector(file, tensor);
            float[] actual = Importance.Of(W, norm, score).Data;
            float bound = 1e-5f * expected.Max(MathF.Abs); // single precision sums over a row or column in the program
            int worst = Enumerable.Range(0, actual.Length).MaxBy(k => MathF.Abs(expected[k] - actual[k]));
            Assert.True(MathF.Abs(expected[worst] - actual[worst]) <= bound, $"{tensor}[{worst}] is {actual[worst]}, expected {expected[worst]} within {bound}");
        }

        for (int bit = 0; bit < 4; bit++)
        {
            Matrix scores = Importance.Of(W, norm, bit == 3 ? ImportanceScore.Standardized : ImportanceScore.Relative);
            NOfM pattern = bit == 3 ? new NOfM(4, 8) : new NOfM(4 + bit, 8);
            Assert.Equal(StbLlmReference.Keep(file, bit), StbLlmReference.Flags(KeptSet.Choose(scores, pattern)));
        }
    }

    [SharedTheory, InlineData(4), InlineData(5), InlineData(6)]
    public void A_kept_set_of_given_scores_is_that_of_the_authors_function(int kept)
    {
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(StbLlmReference.Folder, "pieces.safetensors"));
        float[] expected = StbLlmReference.Vector(file, $"nm_keep_{kept}of8");
        BitMatrix actual = KeptSet.Choose(ReferenceCase.MatrixOf(file, "nm_scores"), new NOfM(kept, 8));
        Assert.Equal(expected.Select(v => v != 0), StbLlmReference.Flags(actual));
    }

    [Theory]
    [InlineData(1, 1, 5)]
    [InlineData(1, 2, 7)]
    [InlineData(2, 4, 63)]
    [InlineData(4, 8, 64)]
    [InlineData(5, 8, 65)]
    [InlineData(3, 7, 100)]
    [InlineData(64, 64, 130)]
    [InlineData(33, 64, 129)]
    public void Every_run_keeps_exactly_its_number_of_highest_scores(int n, int m, int columns)
    {
        var random = new Random(columns);
        var scores = new Matrix(9, columns, [.. Enumerable.Range(0, 9 * columns).Select(_ => (float)random.Next(-5, 6))]); // with many ties
        BitMatrix keep = KeptSet.Choose(scores, new NOfM(n, m));
        for (int i = 0; i < 9; i++)
        {
            for (int first = 0; first < columns; first += m)
            {
                int width = Math.Min(m, columns - first);
                int[] order = [.. Enumerable.Range(first, width).OrderByDescending(j => scores[i, j])]; // a stable sort: the first of equals stays first
                int expected = new NOfM(n, m).KeptOfRun(first, columns);
                Assert.Equal(order.Take(expected).Order(), Enumerable.Range(first, width).Where(j => keep[i, j]));
            }
        }
    }

    [Theory, InlineData(ImportanceScore.Standardized), InlineData(ImportanceScore.Relative), InlineData(ImportanceScore.Magnitude)]
    internal void Rows_and_columns_of_zeros_have_finite_scores(ImportanceScore score)
    {
        ToyLayer layer = ToyLayer.Create(6, 10, seed: 1);
        layer.W.Row(2).Clear();
        for (int i = 0; i < 6; i++) layer.W[i, 7] = 0;
        float[] norm = [0, .. Enumerable.Repeat(2f, 9)];
        Assert.All(Importance.Of(layer.W, norm, score).Data, s => Assert.True(float.IsFinite(s)));
        Assert.All(Importance.Of(new Matrix(3, 4), null, score).Data, s => Assert.Equal(0, s));
        Assert.All(Importance.Of(new Matrix(1, 1, [2f]), null, score).Data, s => Assert.True(float.IsFinite(s)));
    }

    [SharedFact]
    public void Kept_weights_of_blocks_follow_the_released_rule()
    {
        foreach (JsonElement vector in StbLlmReference.Pieces().GetProperty("ratio_vectors").EnumerateArray())
        {
            int pruned = vector.GetProperty("base_n_prune").GetInt32();
            double[] expected = [.. vector.GetProperty("n_prune").EnumerateArray().Select(n => 8 - n.GetDouble())];
            int[] actual = AdaptiveKeep.Released(Ratios(vector), new NOfM(8 - pruned, 8), out string? fallback, vector.GetProperty("Lamda").GetDouble());
            Assert.Equal(expected, actual.Select(n => (double)n));
            Assert.Null(fallback);
        }
    }

    [SharedFact]
    public void A_whole_model_gets_the_outlier_shares_and_kept_weights_of_the_authors_program()
    {
        JsonElement model = StbLlmReference.Pieces().GetProperty("whole_model")[0];
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(StbLlmReference.Folder, model.GetProperty("file").GetString()!));
        string[] layers = ["self_attn.q_proj", "mlp.up_proj", "mlp.down_proj"];
        double[] shares = [.. Enumerable.Range(0, 8).Select(b => OutlierShare.Of(() => layers.Select(l => Scores(b, l, "pass1"))))];
        double[] expected = Ratios(model);
        for (int b = 0; b < 8; b++) Assert.Equal(expected[b], 100 * shares[b], 1e-9);

        int[] kept = AdaptiveKeep.Released(shares, new NOfM(4, 8), out _);
        Assert.Equal(model.GetProperty("n_prune_per_block").EnumerateArray().Select(n => 8 - n.GetInt32()), kept);
        for (int b = 0; b < 8; b++)
        {
            foreach (string layer in layers)
            {
                BitMatrix keep = KeptSet.Choose(Scores(b, layer, "pass2"), new NOfM(kept[b], 8));
                float[] pruned = StbLlmReference.Vector(file, $"{b}.{layer}.W_pruned");
                Assert.Equal(pruned.Select(w => w != 0), StbLlmReference.Flags(keep));
            }
        }

        Matrix Scores(int block, string layer, string pass) => Importance.Of(
            ReferenceCase.MatrixOf(file, $"{block}.{layer}.W"), StbLlmReference.Vector(file, $"{block}.{layer}.feature_sq_norm_{pass}"), ImportanceScore.Relative);
    }

    [Theory]
    [InlineData("5 1 1 1", "10 10 10 10", 4, 8)]
    [InlineData("0.42 0.40 0.31 0.39 0.25 0.21 0.27 0.24 0.21 0.19 0.18 0.22 0.18 0.17 0.16 0.14", "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", 4, 8)]
    [InlineData("1 2 3 4 5 6 7", "3 3 3 3 3 3 3", 1, 8)]
    [InlineData("1 2 3 4 5 6 7", "3 3 3 3 3 3 3", 8, 8)]
    [InlineData("1 9", "7 7", 7, 8)]
    [InlineData("1 9 9 9 9 9 9", "7 7 7 7 7 7 7", 7, 8)]
    [InlineData("2 1", "5 5", 1, 1)]
    public void Our_rule_keeps_the_average_exactly_and_deviates_with_the_outliers(string shareText, string weightText, int n, int m)
    {
        double[] shares = [.. shareText.Split(' ').Select(s => double.Parse(s, CultureInfo.InvariantCulture))];
        long[] weights = [.. weightText.Split(' ').Select(s => long.Parse(s, CultureInfo.InvariantCulture))];
        int[] kept = AdaptiveKeep.Balanced(shares, weights, new NOfM(n, m), out string? fallback);
        Assert.Null(fallback);
        Assert.Equal(n * weights.Sum(), kept.Zip(weights, (k, w) => k * w).Sum());
        Assert.All(kept, k => Assert.InRange(k, 1, m));
        int[] order = [.. Enumerable.Range(0, shares.Length).OrderBy(b => shares[b]).ThenBy(b => kept[b])];
        Assert.Equal(order.Select(b => kept[b]).Order(), order.Select(b => kept[b])); // never less for a larger share
        if (n > 1 && n < m) Assert.True(kept.Distinct().Count() > 1);
    }

    [Fact]
    public void With_blocks_of_unequal_size_the_average_comes_as_near_as_whole_numbers_allow()
    {
        long[] weights = [100, 30, 30, 7];
        int[] kept = AdaptiveKeep.Balanced([4, 1, 2, 3], weights, new NOfM(4, 8), out _);
        long total = kept.Zip(weights, (k, w) => k * w).Sum();
        Assert.InRange(total, (4 * weights.Sum()) - weights.Max(), 4 * weights.Sum());
    }

    [Fact]
    public void Equal_shares_make_no_block_deviate_and_say_so()
    {
        Assert.Equal([4, 4, 4], AdaptiveKeep.Released([0.2, 0.2, 0.2], new NOfM(4, 8), out string? released));
        Assert.Equal([4, 4, 4], AdaptiveKeep.Balanced([0, 0, 0], [1, 2, 3], new NOfM(4, 8), out string? balanced));
        Assert.Contains("same share", released, StringComparison.Ordinal);
        Assert.Equal(released, balanced);
    }

    [Fact]
    public void The_released_rule_stays_within_the_run()
    {
        Assert.All(AdaptiveKeep.Released([9, 1, 1, 1, 1], new NOfM(7, 8), out string? fallback), n => Assert.InRange(n, 1, 8));
        Assert.Contains("7:8", fallback, StringComparison.Ordinal);
    }

    private static double[] Ratios(JsonElement element) => [.. element.GetProperty("outlier_ratio_percent").EnumerateArray().Select(r => r.GetDouble())];
}
