using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>Methods made from one line of text, as a user writes them: "gptq --bits 3 --group-size 16".</summary>
internal static class ToyMethods
{
    /// <summary>A line for every method, with and without feedback, with groups that divide the row and groups that do not.</summary>
    public static readonly string[] Lines =
    [
        "rtn bits=3 group-size=16",
        "rtn bits=8 group-size=-1 symmetric=on",
        "gptq bits=2 group-size=33",
        "gptq bits=4 group-size=-1",
        "gptq bits=4 group-size=1073741824",
        "gptq bits=3 group-size=7 symmetric=on",
        "xnor",
        "xnor group-size=20 compensation=on",
        "sign group-size=32",
        "sign compensation=on",
        "pb-llm salient=0.1",
        "pb-llm salient=0.3 salience=magnitude group-size=25",
        "pb-llm salient=0.2 compensation=off salience=magnitude low=sign",
        "pb-llm salient=0.2 low=2bit group-size=40 salient-bits=4",
        "pb-llm salient=0.2 low=4bit",
        "pb-llm salient=0.2 low=prune",
        "pb-llm salient=0.2 low=none salience=magnitude",
        "pb-llm variant=strict salient=0.2",
        "billm",
        "billm group-size=33 salience=hessian feedback=diagonal fit=plain",
        "billm group-size=-1 salience=magnitude search=scores fit=plain scale-bits=8",
        "billm group-size=64 compensation=off salience=magnitude means=off",
        "billm group-size=50 compensation=off salience=auto search=scores means=off scale-bits=8",
        "stbllm",
        "stbllm keep=2:4 group-size=36 importance=si means=on",
        "stbllm keep=5:8 group-size=-1 salience=magnitude search=scores fit=plain importance=ria",
        "stbllm keep=3:7 group-size=64 compensation=off salience=magnitude importance=magnitude",
        "stbllm keep=6:8 group-size=50 feedback=diagonal salience=hessian means=on scale-bits=16",
        "billm feedback=exact means=on scale-bits=16",
        "billm variant=strict group-size=40",
        "stbllm feedback=exact",
        "stbllm variant=strict keep=2:4 group-size=40",
        "arb-llm variant=strict group-size=36",
        "arb-llm",
        "arb-llm group-size=33 refine=arb-x scale-bits=8",
        "arb-llm group-size=-1 refine=arb salience=magnitude feedback=exact column-group-bitmap=off",
        "arb-llm group-size=64 compensation=off salience=magnitude partitions=3 scale-bits=8",
        "arb-llm group-size=50 refine=none salience=hessian search=scores fit=plain feedback=diagonal",
        "arb-llm group-size=48 refine=arb means=off partitions=2",
    ];

    public static TheoryData<string> All() => [.. Lines];

    /// <summary>Whether a method quantizes a group of columns as a whole, so that the block is part of what it computes.</summary>
    public static bool IsBlockMethod(string line) => line.Split(' ')[0] is "billm" or "stbllm" or "arb-llm";

    /// <summary>Whether row scales depend on sums over all rows, whose last bit depends on the order of rows.</summary>
    public static bool HasColumnScales(string line) => line.StartsWith("arb-llm", StringComparison.Ordinal) && !line.Contains("refine=", StringComparison.Ordinal);

    public static IQuantizationMethod Create(string line, params string[] more)
    {
        string[] words = [.. line.Split(' '), .. more];
        return MethodCatalog.Create(words[0], words.Skip(1).Select(w => w.Split('=')).ToDictionary(p => p[0], p => p[1]));
    }

    public static LayerResult Quantize(string line, ToyLayer layer, params string[] more) => Quantize(line, layer.W, layer.H, ScaleFormat.Exact, more);

    public static LayerResult Quantize(string line, Matrix W, Matrix H, ScaleFormat format, params string[] more)
    {
        IQuantizationMethod method = Create(line, more);
        return method.Quantize(W, method.NeedsHessian ? new LayerStatistics(H) : null, format);
    }

    /// <summary>The format that a job would use.</summary>
    public static ScaleFormat HalfFor(Matrix W) => ScaleFormat.HalfFor(W.Data.Max(MathF.Abs));
}
