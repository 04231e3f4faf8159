using System.Text.Json;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;

namespace Halfbit.Pipeline;

/// <summary>The record that stays beside the weights: what was done, on what, and with which error. It holds nothing that differs between two runs of one job.</summary>
/// <param name="Identity">What makes the job what it is.</param>
/// <param name="CalibrationFingerprint">SHA-256 of the calibration ids, or null.</param>
/// <param name="Layers">Every quantized layer; times are not stored.</param>
internal sealed record JobRecord(JsonObject Identity, string? CalibrationFingerprint, IReadOnlyList<LayerRecord> Layers)
{
    /// <summary>What was planned for the whole model instead of what was asked, one line each.</summary>
    public IReadOnlyList<string> Fallbacks { get; init; } = [];

    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>Writes the record.</summary>
    public void Write(string path)
    {
        var layers = new JsonArray();
        foreach (LayerRecord layer in Layers) layers.Add((JsonNode?)ToJson(layer, withTime: false));
        var document = new JsonObject { ["job"] = Identity.DeepClone(), ["calibrationSha256"] = CalibrationFingerprint, ["layers"] = layers };
        if (Fallbacks.Count > 0) document["fallbacks"] = ToJson(Fallbacks);
        AtomicFile.WriteText(path, Text(document));
    }

    /// <summary>Reads a record.</summary>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public static JobRecord Read(string path) => Parse(path, node =>
    {
        JsonObject document = node.AsObject();
        return new JobRecord(document["job"]!.DeepClone().AsObject(), (string?)document["calibrationSha256"], [.. document["layers"]!.AsArray().Select(l => LayerOf(l!))])
        {
            Fallbacks = Lines(document["fallbacks"]),
        };
    });

    /// <summary>Reads the identity of a partial job.</summary>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public static JsonObject ReadIdentity(string path) => Parse(path, node => node.AsObject());

    /// <summary>Writes the records of one block, times included, for a later run of the job.</summary>
    public static void WriteBlock(string path, IEnumerable<LayerRecord> layers)
    {
        var array = new JsonArray();
        foreach (LayerRecord layer in layers) array.Add((JsonNode?)ToJson(layer, withTime: true));
        AtomicFile.WriteText(path, Text(array));
    }

    /// <summary>Reads the records of one block.</summary>
    /// <exception cref="CheckpointException">They are damaged.</exception>
    public static IReadOnlyList<LayerRecord> ReadBlock(string path) => Parse<LayerRecord[]>(path, node => [.. node.AsArray().Select(l => LayerOf(l!))]);

    /// <summary>Writes the survey of one block for the plan, and for a later run of the job.</summary>
    public static void WriteSurvey(string path, JsonObject survey) => AtomicFile.WriteText(path, Text(survey));

    /// <summary>Reads the survey of one block.</summary>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public static JsonObject ReadSurvey(string path) => Parse(path, node => node.AsObject());

    /// <summary>JSON text as all files of a packed checkpoint have it: indented, line feeds, one at the end.</summary>
    public static string Text(JsonNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Indented)) node.WriteTo(writer);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static T Parse<T>(string path, Func<JsonNode, T> read)
    {
        try
        {
            return read(JsonNode.Parse(File.ReadAllText(path))!);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new CheckpointException($"{path}: the record is damaged ({exception.Message.ReplaceLineEndings(" ")}); quantize the model again, with --overwrite", exception);
        }
    }

    private static JsonObject ToJson(LayerRecord layer, bool withTime)
    {
        var json = new JsonObject
        {
            ["name"] = layer.Name,
            ["rows"] = layer.Rows,
            ["columns"] = layer.Columns,
            ["nominalBits"] = layer.NominalBits,
            ["bytes"] = layer.Bytes,
            ["trueBits"] = layer.TrueBits,
            ["weightedError"] = layer.WeightedError,
            ["relativeError"] = layer.RelativeError,
        };
        if (layer.Options.Count > 0)
        {
            var options = new JsonObject();
            foreach ((string key, string value) in layer.Options.OrderBy(o => o.Key, StringComparer.Ordinal)) options[key] = value;
            json["options"] = options;
        }

        if (layer.Fallbacks.Count > 0) json["fallbacks"] = ToJson(layer.Fallbacks);
        if (withTime) json["seconds"] = layer.Seconds;
        return json;
    }

    private static JsonArray ToJson(IEnumerable<string> lines) => [.. lines.Select(l => JsonValue.Create(l))];

    private static IReadOnlyList<string> Lines(JsonNode? array) => array is null ? [] : [.. array.AsArray().Select(l => (string)l!)];

    private static LayerRecord LayerOf(JsonNode json) => new(
        (string)json["name"]!,
        (int)json["rows"]!,
        (int)json["columns"]!,
        (double)json["nominalBits"]!,
        (long)json["bytes"]!,
        (double)json["weightedError"]!,
        (double)json["relativeError"]!,
        (double?)json["seconds"] ?? 0)
    {
        Options = json["options"] is JsonObject options ? options.ToDictionary(o => o.Key, o => (string)o.Value!) : [],
        Fallbacks = Lines(json["fallbacks"]),
    };
}
