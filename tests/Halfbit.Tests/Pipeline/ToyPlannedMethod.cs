using System.Text.Json.Nodes;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Tests.Pipeline;

/// <summary>GPTQ with 2 bits, and with 3 for the layers whose weights and inputs together are largest: half of the model.</summary>
internal sealed class ToyPlannedMethod : IPlannedMethod
{
    public const string Fallback = "toy: the plan always falls back on something";

    private readonly IQuantizationMethod few = Gptq("2");
    private readonly IQuantizationMethod many = Gptq("3");

    public bool NeedsSurvey { get; init; } = true;

    public bool SurveyNeedsHessian { get; init; }

    /// <summary>What every survey saw, by layer.</summary>
    public Dictionary<string, SurveyedLayer> Seen { get; } = [];

    /// <summary>What leaving out a layer would do, by layer; empty without Hessians.</summary>
    public Dictionary<string, double> Damage { get; } = [];

    public string Name => few.Name;

    public bool NeedsHessian => few.NeedsHessian;

    public IReadOnlyDictionary<string, string> Options => few.Options;

    public JsonObject Survey(IReadOnlyList<SurveyedLayer> layers)
    {
        var sizes = new JsonObject();
        foreach (SurveyedLayer layer in layers)
        {
            Seen.Add(layer.Name, layer);
            Assert.Equal(SurveyNeedsHessian, layer.Statistics is not null);
            Assert.Equal(SurveyNeedsHessian, layer.DamageOf is not null);
            if (layer.DamageOf is not null)
            {
                Damage.Add(layer.Name, layer.DamageOf(new ZeroMatrix(layer.Weights.Rows, layer.Weights.Columns)));
                Assert.Equal(0, layer.DamageOf(layer.Weights));
            }

            sizes[layer.Name] = layer.FeatureSquaredNorm.Sum(n => (double)n) * Matrix.Expand(layer.Weights).Data.Sum(w => (double)w * w);
        }

        return sizes;
    }

    public MethodPlan Plan(IReadOnlyList<JsonObject> surveys)
    {
        string[] names = [.. surveys.SelectMany(s => s).OrderByDescending(p => (double)p.Value!).Select(p => p.Key)];
        return new MethodPlan(names.Take(names.Length / 2).ToDictionary(n => n, _ => many)) { Fallbacks = [Fallback] };
    }

    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format) => few.Quantize(W, statistics, format);

    private static IQuantizationMethod Gptq(string bits) => MethodCatalog.Create("gptq", new Dictionary<string, string> { ["bits"] = bits, ["group-size"] = "16" });
}
