using Halfbit.Reports;

namespace Halfbit.Tests.Reports;

public sealed class ParetoFrontTests
{
    [Fact]
    public void A_row_is_on_the_front_unless_another_is_no_worse_in_both_and_better_in_one()
    {
        ComparisonResult result = ToyComparison.Of(
            ToyComparison.Row("original", 16, 10),
            ToyComparison.Row("smallest", 1, 100),
            ToyComparison.Row("beaten in both", 2.5, 60),
            ToyComparison.Row("good", 2, 50),
            ToyComparison.Row("as small but worse", 2, 51),
            ToyComparison.Row("as good but larger", 2.1, 50),
            ToyComparison.Row("twin of good", 2, 50),
            ToyComparison.Row("best", 4, 11),
            ToyComparison.Row("not finite", 0.5, double.PositiveInfinity),
            new ComparisonRow("failed", "gptq", ToyComparison.NoOptions) { Error = "no" });
        Assert.Equal(new[] { "best", "good", "original", "smallest", "twin of good" }, result.ParetoFront.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void It_equals_its_definition_on_random_rows()
    {
        var random = new Random(8);
        for (int attempt = 0; attempt < 200; attempt++)
        {
            ComparisonRow[] rows = [.. Enumerable.Range(0, 9).Select(k => ToyComparison.Row($"{k}", random.Next(1, 6), random.Next(10, 15)))];
            IReadOnlySet<string> front = ToyComparison.Of(rows).ParetoFront;
            foreach (ComparisonRow row in rows)
            {
                bool isBeaten = rows.Any(r => (r.TrueBits < row.TrueBits && r.Perplexity <= row.Perplexity) || (r.TrueBits <= row.TrueBits && r.Perplexity < row.Perplexity));
                Assert.Equal(!isBeaten, front.Contains(row.Name));
            }
        }
    }

    [Fact]
    public void Perplexity_of_several_texts_weighs_each_predicted_token_alike()
    {
        ComparisonRow row = ToyComparison.Row("two texts", 2, 10) with
        {
            Texts =
            [
                new TextMeasurement("a", new(Math.Exp(1), 1, 8, 1, 100, 0.5, 0.2), 1),
                new TextMeasurement("b", new(Math.Exp(4), 4, 8, 1, 300, 0.1, 0.6), 1),
            ],
        };
        Assert.Equal(Math.Exp(3.25), row.Perplexity, 9);
        Assert.Equal(0.2, row.KlDivergence!.Value, 12);
        Assert.Equal(0.5, row.Top1Agreement!.Value, 12);
        Assert.Null((row with { Texts = [row.Texts[0], row.Texts[1] with { Result = row.Texts[1].Result with { KlDivergence = null } }] }).KlDivergence);
        Assert.True(double.IsNaN((row with { Texts = [] }).Perplexity));
    }
}
