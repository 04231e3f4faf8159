using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Quantization;
using Halfbit.Quantization.StbLlm;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

public sealed class StbLlmTests
{
    [Theory]
    [InlineData("stbllm", 100)]
    [InlineData("stbllm keep=2:4 group-size=10", 33)]
    [InlineData("stbllm keep=5:8 group-size=-1 means=off scale-bits=8", 67)]
    [InlineData("stbllm keep=3:7 group-size=32 importance=si fit=plain", 65)]
    [InlineData("stbllm keep=1:1 group-size=16", 20)]
    [InlineData("stbllm keep=1:64 importance=magnitude group-size=40", 130)]
    public void Exactly_the_pattern_is_left_after_packing_even_of_zeros(string line, int columns)
    {
        foreach (int kind in (int[])[0, 1, 2, 3])
        {
            ToyLayer layer = ToyLayer.Create(7, columns, seed: columns, dead: [3, 4, 5, 6, 7, 8, 9, 10, 11]);
            for (int k = 0; k < layer.W.Data.Length; k++)
            {
                if (kind == 1) layer.W.Data[k] = 0; // all zero
                if (kind == 2) layer.W.Data[k] = k % 2 == 0 ? 0 : 0.5f; // half of it zero, the rest alike
                if (kind == 3) layer.W.Data[k] = MathF.ScaleB(layer.W.Data[k], k % columns % 3 == 0 ? 0 : -30); // most far below the largest
            }

            LayerResult result = ToyMethods.Quantize(line, layer.W, layer.H, ToyMethods.HalfFor(layer.W));
            Matrix stored = Matrix.Expand(new PackedMatrix(Packer.Pack(result.Quantized)));
            Assert.Equal(result.Approximation.Data, stored.Data);
            NOfM pattern = ((GroupedSignMatrix)result.Quantized).Pattern!.Value;
            for (int i = 0; i < stored.Rows; i++)
            {
                for (int first = 0; first < columns; first += pattern.M)
                {
                    int[] kept = [.. Enumerable.Range(first, Math.Min(pattern.M, columns - first)).Where(j => stored[i, j] != 0)];
                    Assert.Equal(pattern.KeptOfRun(first, columns), kept.Length);
                    Assert.All(kept, j => Assert.True(result.Keep![i, j]));
                }
            }
        }
    }

    [Theory, InlineData("si"), InlineData("ria"), InlineData("magnitude"), InlineData("error")]
    public void Inputs_that_never_fire_are_left_out_first(string importance)
    {
        int[] dead = [1, 9, 10, 20, 37];
        ToyLayer layer = ToyLayer.Create(12, 40, seed: 4, dead);
        LayerResult result = ToyMethods.Quantize($"stbllm group-size=16 importance={importance}", layer);
        for (int i = 0; i < 12; i++) Assert.All(dead, j => Assert.False(result.Keep![i, j]));
    }

    [Fact]
    public void Choosing_by_error_beats_every_fixed_choice()
    {
        foreach (int seed in (int[])[1, 2, 3, 4])
        {
            ToyLayer layer = ToyLayer.Create(64, 128, seed);
            double ours = Error("error");
            foreach (string other in (string[])["si", "ria", "magnitude"]) Assert.True(ours < Error(other), $"seed {seed}: {ours}, {other} {Error(other)}");

            double Error(string importance) => WeightedError.Of(layer.W, ToyMethods.Quantize($"stbllm group-size=64 importance={importance}", layer).Approximation, layer.H);
        }
    }

    [Fact]
    public void Refined_levels_never_fit_worse_and_meet_both_halves_of_a_group_without_a_middle()
    {
        // Three cells at 2 and one at -2: the residual fit has levels 2.5 and -0.5, refined ones meet all four.
        SignLevels refined = LevelRefinement.Refine([2, 2, 2, -2], [1, 1, 1, 1], new SignLevels(1, 1.5f, 0, 1), hasMean: true);
        Assert.Equal((2f, -2f), (refined.Value(1, 1), refined.Value(-1, 1)));

        var random = new Random(5);
        for (int trial = 0; trial < 300; trial++)
        {
            int n = 1 + (trial % 9);
            int planes = 1 + (trial % 2);
            bool hasMean = trial % 3 != 0;
            float[] x = [.. Enumerable.Range(0, n).Select(_ => (float)ToyLayer.Gauss(random))];
            double[] omega = [.. Enumerable.Range(0, n).Select(_ => random.Next(4) == 0 ? 0 : random.NextDouble())];
            var mu = new float[planes];
            var alpha = new float[planes];
            ResidualBinarization.Fit(x, omega, hasMean, OnThreshold.Upper, mu, alpha, new sbyte[planes * n], new float[n]);
            var start = new SignLevels(mu.Sum(), alpha[0], planes == 2 ? alpha[1] : 0, planes);
            SignLevels end = LevelRefinement.Refine(x, omega, start, hasMean);
            Assert.True(Error(end) <= Error(start) * (1 + 1e-6), $"trial {trial}");
            if (!hasMean) Assert.Equal(0, end.Mu);

            double Error(SignLevels levels) => x.Zip(omega, (v, o) => o * Math.Pow(v - levels.Value(levels.Nearest(v).First, levels.Nearest(v).Second), 2)).Sum();
        }
    }

    [Fact]
    public void Magnitudes_too_alike_for_three_groups_are_one_group_and_said_to_be()
    {
        ToyLayer layer = ToyLayer.Create(16, 64, seed: 2);
        for (int k = 0; k < layer.W.Data.Length; k++) layer.W.Data[k] = layer.W.Data[k] < 0 ? -1 : 1;
        foreach (string line in (string[])["stbllm feedback=exact", "stbllm feedback=exact fit=plain search=scores salience=magnitude importance=magnitude compensation=off keep=1:1"])
        {
            LayerResult result = ToyMethods.Quantize(line, layer);
            Assert.Contains("too alike", Assert.Single(result.Fallbacks), StringComparison.Ordinal);
        }

        Assert.Empty(ToyMethods.Quantize("stbllm", ToyLayer.Create(16, 64, seed: 2)).Fallbacks);
    }

    [Fact]
    public void A_run_that_is_cut_short_is_said_to_be()
    {
        foreach (string line in (string[])["stbllm keep=4:8", "stbllm keep=4:8 variant=strict", "stbllm keep=4:8 variant=released"])
        {
            Assert.Contains("the last run of a row has 3, of which 2 are kept", Assert.Single(ToyMethods.Quantize(line, ToyLayer.Create(8, 67, seed: 1)).Fallbacks), StringComparison.Ordinal);
            Assert.Empty(ToyMethods.Quantize(line, ToyLayer.Create(8, 64, seed: 1)).Fallbacks);
        }
    }

    [Fact]
    public void Nominal_bits_count_as_the_paper_does()
    {
        LayerResult result = ToyMethods.Quantize("stbllm keep=6:8 group-size=32", ToyLayer.Create(24, 64, seed: 3));
        double salient = (double)result.Salient!.CountSet() / (24 * 64);
        Assert.Equal(0.75 * (1 + salient), result.NominalBits, 12);
        Assert.Equal(0.75 * 24 * 64, result.Keep!.CountSet());
    }

    [Theory]
    [InlineData("error", null)]
    [InlineData("si", "salience=magnitude compensation=off")]
    [InlineData("magnitude", "compensation=off")]
    public void It_needs_a_calibration_for_anything_but_magnitudes(string importance, string? more)
        => Assert.True(ToyMethods.Create(string.Join(' ', new[] { $"stbllm importance={importance}", more }.Where(w => w is not null))).NeedsHessian);

    [Fact]
    public void A_plan_names_all_layers_and_a_pattern_of_all_weights_needs_none()
    {
        var method = (IPlannedMethod)ToyMethods.Create("stbllm keep=4:8 adaptive=on");
        Assert.True(method.NeedsSurvey);
        Assert.False(((IPlannedMethod)ToyMethods.Create("stbllm")).NeedsSurvey);
        Assert.False(((IPlannedMethod)ToyMethods.Create("stbllm keep=8:8 adaptive=on")).NeedsSurvey);
        System.Text.Json.Nodes.JsonObject[] surveys = [.. Enumerable.Range(0, 4).Select(b => method.Survey(Block(b)))];
        MethodPlan plan = method.Plan([.. surveys.Select(s => System.Text.Json.Nodes.JsonNode.Parse(s.ToJsonString())!.AsObject())]);
        Assert.Equal(8, plan.Methods.Count);
        Assert.Empty(plan.Fallbacks);
        int[] kept = [.. Enumerable.Range(0, 4).Select(b => Kept($"{b}.a"))];
        Assert.Equal(kept, Enumerable.Range(0, 4).Select(b => Kept($"{b}.b")));
        Assert.Equal(16, kept.Sum());
        Assert.Equal(kept.Max(), kept[3]); // the block with the most outliers
        Assert.True(kept[3] > 4);

        int Kept(string layer) => int.Parse(plan.Methods[layer].Options["keep"].Split(':')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Two layers with more outliers from block to block.</summary>
    private static SurveyedLayer[] Block(int block) => [.. ((string[])["a", "b"]).Select(name =>
    {
        ToyLayer layer = ToyLayer.Create(20, 48, seed: block);
        for (int k = 0; k < layer.W.Data.Length; k++) layer.W.Data[k] *= k % 41 < block ? 30 : 1;
        return new SurveyedLayer($"{block}.{name}", layer.W, layer.Statistics.FeatureSquaredNorm, null);
    })];
}
