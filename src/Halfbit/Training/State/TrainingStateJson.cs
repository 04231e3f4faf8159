using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;

namespace Halfbit.Training;

/// <summary>The JSON part of a training state.</summary>
/// <param name="Position">How far the run is.</param>
/// <param name="Options">Everything that decides the result.</param>
/// <param name="DataHash">SHA-256 of all tensors' bytes in the order of the run, lower-case hexadecimal.</param>
internal sealed record TrainingStateJson(TrainingPosition Position, JsonObject Options, string DataHash)
{
    private const int Version = 1;
    private const string Format = "halfbit training state";

    /// <summary>The JSON of a state.</summary>
    public static JsonObject Of(TrainingPosition position, JsonObject options, string dataHash) => new()
    {
        ["format"] = Format,
        ["version"] = Version,
        ["step"] = position.Step,
        ["sequences"] = position.Sequences,
        ["random"] = new JsonArray([.. position.Random.Select(word => (JsonNode)word.ToString("x16", CultureInfo.InvariantCulture))]),
        ["sha256"] = dataHash,
        ["options"] = options.DeepClone(),
    };

    /// <summary>Reads and checks the JSON of a state.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="text">The JSON text; null: the file has none.</param>
    /// <exception cref="CheckpointException">A field is missing or has a wrong value.</exception>
    public static TrainingStateJson Parse(string path, string? text)
    {
        if (text is null) throw new CheckpointException($"{path}: metadata '{TrainingState.MetadataKey}' is missing, the file is no training state; give the state file that a training run wrote");
        JsonObject json;
        try
        {
            json = JsonNode.Parse(text) as JsonObject ?? throw new JsonException("it is not an object");
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new CheckpointException($"{path}: metadata '{TrainingState.MetadataKey}' is not the JSON of a training state ({exception.Message.ReplaceLineEndings(" ")}); the state is damaged", exception);
        }

        if (Field<string>(path, json, "format") != Format) throw Bad(path, "format", json, $"\"{Format}\"");
        if (Field<int>(path, json, "version") != Version) throw Bad(path, "version", json, Version.ToString(CultureInfo.InvariantCulture));
        long step = Field<long>(path, json, "step");
        long sequences = Field<long>(path, json, "sequences");
        if (step < 0) throw Bad(path, "step", json, "a number ≥ 0");
        if (sequences < 0) throw Bad(path, "sequences", json, "a number ≥ 0");
        if (json["options"] is not JsonObject options) throw Bad(path, "options", json, "an object");
        return new TrainingStateJson(new TrainingPosition(step, sequences, Words(path, json)), options, Field<string>(path, json, "sha256"));
    }

    /// <summary>Throws when this run has other options than the one that wrote the state.</summary>
    /// <exception cref="CheckpointException">An option differs; the message names the first one.</exception>
    public void CheckOptions(string path, JsonObject options)
    {
        if (Difference(Options, options, string.Empty) is not (string field, string there, string here)) return;
        throw new CheckpointException($"{path}: option '{field}' is {there} in the state and {here} in this run; resume with the options of the run that wrote it, or train from the start");
    }

    private static (string Field, string There, string Here)? Difference(JsonNode? there, JsonNode? here, string field)
    {
        if (JsonNode.DeepEquals(there, here)) return null;
        if (there is not JsonObject a || here is not JsonObject b) return (field, there?.ToJsonString() ?? "absent", here?.ToJsonString() ?? "absent");
        return a.Select(p => p.Key).Concat(b.Select(p => p.Key)).Distinct(StringComparer.Ordinal)
            .Select(key => Difference(a[key], b[key], field.Length == 0 ? key : field + "." + key))
            .FirstOrDefault(difference => difference is not null);
    }

    private static ulong[] Words(string path, JsonObject json)
    {
        if (json["random"] is not JsonArray array) throw Bad(path, "random", json, "a list of words");
        var words = new ulong[array.Count];
        for (int k = 0; k < words.Length; k++)
        {
            if (array[k] is not JsonValue value || !value.TryGetValue(out string? text) || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out words[k]))
                throw Bad(path, "random", json, "a list of hexadecimal words");
        }

        return words;
    }

    private static TValue Field<TValue>(string path, JsonObject json, string field)
        => json[field] is JsonValue value && value.TryGetValue(out TValue? found) && found is not null ? found : throw Bad(path, field, json, typeof(TValue) == typeof(string) ? "a text" : "a whole number");

    private static CheckpointException Bad(string path, string field, JsonObject json, string expected)
        => new($"{path}: field '{field}' of the training state is {json[field]?.ToJsonString() ?? "missing"}, expected {expected}; the state is damaged or of another version, train again from the start");
}
