using Halfbit.Evaluation;
using Halfbit.Pipeline;
using Halfbit.Reports;

namespace Halfbit.Tests.Reports;

/// <summary>Comparisons with made-up numbers.</summary>
internal static class ToyComparison
{
    public static readonly IReadOnlyDictionary<string, string> NoOptions = new Dictionary<string, string>();

    private static readonly string[] Kinds = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];

    public static ComparisonResult Of(params IReadOnlyList<ComparisonRow> rows) => new("models/toy", "8 sequences of 64 tokens from some text", 1.5, null, rows);

    /// <summary>Seven methods as they come out in practice, two of them close together.</summary>
    public static ComparisonResult Usual() => Of(
        Row("original", 16.004, 40.33) with { Layers = [], PeakMemoryBytes = null, Seconds = 0 },
        Row("PB-LLM 10 %", 2.249, 48.64),
        Row("PB-LLM 20 % at 3 bit", 2.183, 43.93),
        Row("gptq --bits 3", 3.153, 40.96),
        Row("gptq --bits 2", 2.145, 46.89),
        Row("rtn --bits 2", 2.145, 51.42),
        Row("xnor", 1.075, 123.07),
        Row("sign --group-size 128", 1.130, 117.92));

    public static ComparisonRow Row(string name, double trueBits, double perplexity) => new(name, name.Split(' ')[0], new Dictionary<string, string> { ["group-size"] = "128" })
    {
        NominalBits = Math.Floor(trueBits),
        TrueBits = trueBits,
        Bytes = (long)(trueBits * 4e6),
        Seconds = 10 / trueBits,
        PeakMemoryBytes = 300_000_000 + (long)(trueBits * 1e7),
        HasWeightedErrors = true,
        Layers = [.. Enumerable.Range(0, 6).SelectMany(b => Kinds.Select((kind, k) =>
            new LayerRecord($"model.layers.{b}.{kind}", 64, 64, Math.Floor(trueBits), (long)(512 * trueBits), 1, 0.3 / Math.Pow(2, trueBits) * (1 + (0.2 * b)) * (1 + (0.1 * k)), 0.1)))],
        Texts = [new TextMeasurement("texts/book.txt", new PerplexityResult(perplexity, Math.Log(perplexity), 64, 16, 1008, name == "original" ? 0 : Math.Log(perplexity / 40), 0.5), 2)],
    };
}
