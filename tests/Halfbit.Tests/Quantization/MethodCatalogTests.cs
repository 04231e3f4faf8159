using Halfbit.Quantization;

namespace Halfbit.Tests.Quantization;

public sealed class MethodCatalogTests
{
    [Theory]
    [InlineData("pb-lm", "pb-llm")]
    [InlineData("", "methods:")]
    [InlineData("PB-LLM", "methods:")]
    [InlineData("pb-llm bits=3", "no option --bits")]
    [InlineData("gptq salient=0.1", "no option --salient")]
    [InlineData("rtn compensation=on", "gptq")]
    [InlineData("pb-llm salient=0.1 low-frac=0.9", "same thing")]
    [InlineData("pb-llm salient=-0.1", "a number from 0 to 1")]
    [InlineData("pb-llm salient=1.5", "a number from 0 to 1")]
    [InlineData("pb-llm salient=NaN", "a number from 0 to 1")]
    [InlineData("pb-llm salient=0,1", "a number from 0 to 1")]
    [InlineData("pb-llm salient=", "a number from 0 to 1")]
    [InlineData("pb-llm salience=size", "one of hessian, magnitude")]
    [InlineData("pb-llm low=1bit", "one of xnor, sign")]
    [InlineData("pb-llm salient-bits=1", "an integer from 2 to 8")]
    [InlineData("gptq bits=9", "an integer from 1 to 8")]
    [InlineData("gptq bits=2.5", "an integer from 1 to 8")]
    [InlineData("gptq group-size=0", "from 1 to 1073741824, or -1")]
    [InlineData("gptq group-size=-2", "or -1")]
    [InlineData("gptq group-size=2147483647", "or -1")]
    [InlineData("gptq block-size=0", "at least 1")]
    [InlineData("gptq block-size=-1", "at least 1")]
    [InlineData("gptq damping=0", "a number from")]
    [InlineData("gptq damping=Infinity", "a number from")]
    [InlineData("gptq variant=original", "one of default, released")]
    [InlineData("gptq symmetric=yes", "one of on, off")]
    [InlineData("billm salient=0.1", "no option --salient")]
    [InlineData("billm block-size=64", "one block")]
    [InlineData("billm group-size=-1 block-size=64", "one block")]
    [InlineData("billm search=both", "one of scores, weights")]
    [InlineData("billm feedback=none", "one of diagonal, exact")]
    [InlineData("billm fit=best", "one of plain, sensitivity")]
    [InlineData("billm salience=size", "one of hessian, magnitude, auto")]
    [InlineData("billm means=no", "one of on, off")]
    [InlineData("billm scale-bits=4", "one of 8, 16")]
    [InlineData("billm variant=released search=weights", "authors' program does: scores")]
    [InlineData("billm variant=released feedback=exact", "authors' program does: diagonal")]
    [InlineData("billm variant=released fit=sensitivity", "authors' program does: plain")]
    [InlineData("billm variant=released means=off", "authors' program does: on")]
    [InlineData("billm variant=released scale-bits=8", "authors' program does: 16")]
    [InlineData("billm variant=released salience=auto", "hessian or magnitude")]
    [InlineData("stbllm keep=9:8", "N:M, N kept of every M weights")]
    [InlineData("stbllm keep=0:8", "1 <= N <= M <= 64")]
    [InlineData("stbllm keep=4:65", "as in 4:8")]
    [InlineData("stbllm keep=4", "as in 4:8")]
    [InlineData("stbllm keep=-4:8", "as in 4:8")]
    [InlineData("stbllm keep=4:8:2", "as in 4:8")]
    [InlineData("stbllm importance=size", "one of error, si, ria, magnitude")]
    [InlineData("stbllm adaptive=yes", "one of on, off")]
    [InlineData("stbllm variant=released importance=si", "authors' program does: ria")]
    [InlineData("stbllm variant=released fit=sensitivity", "authors' program does: plain")]
    [InlineData("stbllm block-size=64", "one block")]
    [InlineData("arb-llm block-size=64", "one block")]
    [InlineData("arb-llm refine=arb-y", "one of arb-rc, arb-x, arb, none")]
    [InlineData("arb-llm partitions=4", "an integer from 1 to 3")]
    [InlineData("arb-llm iterations=-1", "an integer from 0")]
    [InlineData("arb-llm feedback=none", "one of diagonal, exact, columns")]
    [InlineData("arb-llm variant=released feedback=columns", "authors' program does: diagonal")]
    [InlineData("arb-llm variant=released refine=none", "--column-group-bitmap off")]
    public void Wrong_names_and_values_are_refused_with_what_was_expected(string line, string expected)
    {
        var exception = Assert.Throws<OptionException>(() => ToyMethods.Create(line));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Theory]
    [InlineData("pb-llm", true)]
    [InlineData("pb-llm salience=magnitude", true)]
    [InlineData("pb-llm compensation=off", true)]
    [InlineData("pb-llm compensation=off salience=magnitude", false)]
    [InlineData("gptq", true)]
    [InlineData("rtn", false)]
    [InlineData("xnor", false)]
    [InlineData("xnor compensation=on", true)]
    [InlineData("sign", false)]
    [InlineData("billm", true)]
    [InlineData("billm compensation=off", true)]
    [InlineData("billm compensation=off salience=magnitude", false)]
    [InlineData("billm compensation=off variant=released", true)]
    [InlineData("billm block-size=128", true)]
    [InlineData("arb-llm", true)]
    [InlineData("arb-llm compensation=off salience=magnitude", false)]
    [InlineData("arb-llm compensation=off salience=magnitude refine=arb-x", true)]
    public void A_method_says_whether_it_needs_a_calibration(string line, bool needsHessian)
        => Assert.Equal(needsHessian, ToyMethods.Create(line).NeedsHessian);

    [Fact]
    public void Resolved_options_make_the_same_method_again()
    {
        foreach (string line in (string[])[.. ToyMethods.Lines, "billm variant=released group-size=64", "stbllm variant=released keep=6:8 salience=magnitude adaptive=off"])
        {
            IQuantizationMethod method = ToyMethods.Create(line);
            IQuantizationMethod again = MethodCatalog.Create(method.Name, method.Options.ToDictionary());
            Assert.Equal(method.Options, again.Options);
        }
    }

    [Fact]
    public void Every_listed_method_can_be_made()
        => Assert.Equal(MethodCatalog.All.Select(m => m.Name), MethodCatalog.All.Select(m => MethodCatalog.Create(m.Name, new Dictionary<string, string>()).Name));

    [Fact]
    public void A_block_size_that_changes_the_result_is_part_of_the_record()
    {
        var options = new Dictionary<string, string> { ["group-size"] = "32", ["block-size"] = "64" };
        Assert.DoesNotContain("block-size", MethodCatalog.Create("gptq", options).Options.Keys);
        options["variant"] = "released";
        Assert.Equal("64", MethodCatalog.Create("gptq", options).Options["block-size"]);
    }
}
