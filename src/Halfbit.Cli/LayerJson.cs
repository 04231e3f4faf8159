using System.Text.Json.Nodes;
using Halfbit.Pipeline;

namespace Halfbit.Cli;

/// <summary>Quantized layers in the documents that --json prints.</summary>
internal static class LayerJson
{
    /// <summary>One object per layer.</summary>
    public static JsonArray Of(IEnumerable<LayerRecord> layers) => JsonOutput.Array(layers.Select(layer => new JsonObject
    {
        ["name"] = layer.Name,
        ["rows"] = layer.Rows,
        ["columns"] = layer.Columns,
        ["nominalBits"] = layer.NominalBits,
        ["trueBits"] = layer.TrueBits,
        ["weightedError"] = JsonOutput.Number(layer.WeightedError),
        ["relativeError"] = JsonOutput.Number(layer.RelativeError),
        ["seconds"] = layer.Seconds,
        ["options"] = JsonOutput.Object(layer.Options),
        ["fallbacks"] = JsonOutput.Array(layer.Fallbacks.Select(f => JsonValue.Create(f))),
    }));
}
