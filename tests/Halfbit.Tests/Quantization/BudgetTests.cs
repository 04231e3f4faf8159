using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Quantization.Budget;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>Settings chosen per layer for a number of true bits.</summary>
[Collection("thread count")]
public sealed class BudgetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_choice_fits_is_never_worse_than_one_candidate_for_all_and_lies_near_the_best_of_all_choices()
    {
        var random = new Random(7);
        int optimal = 0;
        for (int trial = 0; trial < 300; trial++)
        {
            const int Candidates = 4;
            BudgetPoint[][] layers = [.. Enumerable.Range(0, 4).Select(_ => Enumerable.Range(0, Candidates).Select(_ => new BudgetPoint(random.Next(1, 40), random.Next(100))).ToArray())];
            long limit = BudgetChoice.LeastBytes(layers) + random.Next(80);
            int[] chosen = BudgetChoice.Of(layers, limit);
            Assert.True(BudgetChoice.BytesOf(layers, chosen) <= limit);
            double cost = BudgetChoice.CostOf(layers, chosen);
            double least = double.PositiveInfinity;
            for (int code = 0; code < 256; code++)
            {
                int[] all = [code & 3, (code >> 2) & 3, (code >> 4) & 3, code >> 6];
                if (BudgetChoice.BytesOf(layers, all) <= limit) least = Math.Min(least, BudgetChoice.CostOf(layers, all));
            }

            for (int c = 0; c < Candidates; c++)
            {
                int[] alike = [c, c, c, c];
                if (BudgetChoice.BytesOf(layers, alike) <= limit) Assert.True(cost <= BudgetChoice.CostOf(layers, alike));
            }

            Assert.True(cost >= least);
            if (cost == least) optimal++;
        }

        Assert.True(optimal > 200, $"{optimal} of 300 choices were the best");
    }

    [Theory]
    [InlineData("billm", "2.5")]
    [InlineData("stbllm", "2.2")]
    [InlineData("arb-llm", "3")]
    public void A_toy_model_comes_out_just_below_its_budget(string method, string budget)
    {
        QuantizationReport report = QuantizationJob.Run(Options(method, budget, "out"));
        double bits = double.Parse(budget, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(report.TrueBits, 0.93 * bits, 1.01 * bits);
        Assert.Equal(budget, report.Options["bits-budget"]);
        Assert.All(report.Layers, l => Assert.Equal(method == "stbllm", l.Options.ContainsKey("keep")));
        Assert.All(report.Layers, l => Assert.True(l.Options.ContainsKey("groups") && l.Options.ContainsKey("salient-columns")));
        Assert.True(report.Layers.Select(l => string.Join(' ', l.Options)).Distinct().Count() > 1);
        Assert.Empty(report.Fallbacks);
    }

    [Fact]
    public void Any_number_of_threads_writes_the_same_bytes()
    {
        foreach (int threads in (int[])[1, 3])
        {
            using var count = new ThreadCount(threads);
            _ = QuantizationJob.Run(Options("stbllm", "2.4", $"out{threads}"));
        }

        FolderBytes.AssertEqual(folder["out1"], folder["out3"]);
    }

    [Fact]
    public void A_budget_that_cannot_be_met_names_the_least_and_leaves_nothing()
    {
        string message = Assert.Throws<NumericsException>(() => QuantizationJob.Run(Options("billm", "0.9", "out"))).Message;
        Assert.Matches(@"^--bits-budget 0\.9 cannot be met: the least is \d\.\d+ bits per weight with billm on these layers; raise it to \d\.\d+ or more$", message);
        Assert.False(Directory.Exists(folder["out"]));
        Assert.False(Directory.Exists(folder["out.partial"]));
        string least = message.Split("raise it to ")[1].Split(' ')[0];
        Assert.True(QuantizationJob.Run(Options("billm", least, "out")).TrueBits > 0.9);
    }

    [Fact]
    public void Of_two_equal_layers_the_one_whose_errors_do_more_damage_gets_more_bits()
    {
        ToyLayer layer = ToyLayer.Create(48, 64, 11);
        var method = (IPlannedMethod)Create("stbllm", ("bits-budget", "2.2"));
        SurveyedLayer Of(string name, double harm) => new(name, layer.W, layer.Statistics.FeatureSquaredNorm, layer.Statistics) { DamageOf = Q => harm * WeightedError.Of(layer.W, Q, layer.H) };
        MethodPlan plan = method.Plan([method.Survey([Of("a", 1), Of("b", 30)]), method.Survey([Of("c", 1)])]);
        long[] bytes = [.. ((string[])["a", "b"]).Select(n => Packer.Pack(plan.Methods[n].Quantize(layer.W, layer.Statistics, ScaleFormat.HalfFor(1)).Quantized).LongLength)];
        Assert.True(bytes[1] > bytes[0], $"{bytes[1]} bytes, {bytes[0]} for the layer that matters less");

        // Damage in another unit is the same question.
        MethodPlan scaled = method.Plan([method.Survey([Of("a", 1.0 / 1024), Of("b", 30.0 / 1024)]), method.Survey([Of("c", 1.0 / 1024)])]);
        Assert.All(plan.Methods, m => Assert.Equal(m.Value.Options, scaled.Methods[m.Key].Options));
    }

    [Fact]
    public void A_layer_alone_keeps_the_budget_too()
    {
        ToyLayer layer = ToyLayer.Create(300, 128, 5);
        LayerResult result = Create("stbllm", ("bits-budget", "1.5")).Quantize(layer.W, layer.Statistics, ScaleFormat.HalfFor(layer.W.Data.Max(MathF.Abs)));
        Assert.InRange(Packer.TrueBits(result.Quantized), 1.3, 1.515);
        Assert.Equal(["groups", "keep", "salient-columns"], result.Chosen.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("billm", "variant", "released")]
    [InlineData("stbllm", "adaptive", "on")]
    [InlineData("arb-llm", "feedback", "exact")]
    public void Settings_that_contradict_a_budget_are_refused(string method, string option, string value)
        => Assert.Contains("--" + option, Assert.Throws<OptionException>(() => Create(method, ("bits-budget", "2"), (option, value))).Message, StringComparison.Ordinal);

    [Fact]
    public void Settings_that_are_given_are_not_varied_and_options_make_the_same_method_again()
    {
        IQuantizationMethod method = Create("stbllm", ("bits-budget", "1.75"), ("groups", "2"));
        Assert.Equal("2", method.Options["groups"]);
        Assert.DoesNotContain("keep", method.Options.Keys);
        IQuantizationMethod again = Create("stbllm", [.. method.Options.Select(o => (o.Key, o.Value))]);
        Assert.Equal(method.Options, again.Options);
        Assert.Throws<OptionException>(() => Create("gptq", ("bits-budget", "2")));
        Assert.Throws<OptionException>(() => Create("billm", ("bits-budget", "0.4")));
    }

    private static IQuantizationMethod Create(string method, params (string Key, string Value)[] options)
        => MethodCatalog.Create(method, options.ToDictionary(o => o.Key, o => o.Value), m => Packer.Pack(m).Length);

    private QuantizationJobOptions Options(string method, string budget, string output)
    {
        string model = folder["model"];
        if (!Directory.Exists(model)) ToyCheckpoint.Llama().Write(model);
        return ToyJob.Options(model, folder[output], method, ("bits-budget", budget), ("group-size", "32"));
    }
}
