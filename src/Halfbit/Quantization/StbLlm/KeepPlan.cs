using System.Text.Json.Nodes;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>How many weights of a run each decoder block keeps: what is noted of a block, and what follows from all notes.</summary>
/// <remarks>
/// As in the program, all linear layers of a decoder block keep the same number. It looks at the original model, too, but measures norms while it prunes in a second pass and
/// Hessians in a third; we prune with the statistics that the layer is quantized with.
/// </remarks>
internal static class KeepPlan
{
    private const string ShareField = "outlierShare";
    private const string WeightsField = "weights";
    private const string LayersField = "layers";

    /// <summary>Notes a block's outlier share, by the program's score.</summary>
    public static JsonObject Survey(IReadOnlyList<SurveyedLayer> layers) => new()
    {
        [ShareField] = OutlierShare.Of(() => layers.Select(l => Importance.Of(Matrix.Expand(l.Weights), l.FeatureSquaredNorm, ImportanceScore.Relative))),
        [WeightsField] = layers.Sum(l => (long)l.Weights.Rows * l.Weights.Columns),
        [LayersField] = new JsonArray([.. layers.Select(l => JsonValue.Create(l.Name))]),
    };

    /// <summary>The pattern of every layer.</summary>
    /// <param name="surveys">[blocks].</param>
    /// <param name="target">N to keep on average, and M.</param>
    /// <param name="isReleased">The program's rule instead of ours.</param>
    /// <param name="fallback">Receives why no block deviates, or not as far as it should; or null.</param>
    public static Dictionary<string, NOfM> Of(IReadOnlyList<JsonObject> surveys, NOfM target, bool isReleased, out string? fallback)
    {
        double[] shares = [.. surveys.Select(s => (double)s[ShareField]!)];
        int[] kept = isReleased
            ? AdaptiveKeep.Released(shares, target, out fallback)
            : AdaptiveKeep.Balanced(shares, [.. surveys.Select(s => (long)s[WeightsField]!)], target, out fallback);
        var patterns = new Dictionary<string, NOfM>(StringComparer.Ordinal);
        for (int b = 0; b < kept.Length; b++)
        {
            foreach (JsonNode? name in surveys[b][LayersField]!.AsArray()) patterns.Add((string)name!, target with { N = kept[b] });
        }

        return patterns;
    }
}
