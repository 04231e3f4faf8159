using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Halfbit.Cli;

/// <summary>The one JSON document that --json prints on standard output.</summary>
internal static class JsonOutput
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Prints a document.</summary>
    public static void Write(JsonNode document)
    {
        using Stream output = Console.OpenStandardOutput();
        Write(document, output);
    }

    /// <summary>The text of a document, as <see cref="Write(JsonNode)"/> prints it.</summary>
    public static string Text(JsonNode document)
    {
        using var buffer = new MemoryStream();
        Write(document, buffer);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>An array of the given nodes.</summary>
    public static JsonArray Array(IEnumerable<JsonNode?> items) => [.. items];

    /// <summary>An object of text values.</summary>
    public static JsonObject Object(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var result = new JsonObject();
        foreach ((string key, string value) in pairs) result[key] = value;
        return result;
    }

    /// <summary>A number, or null when it is not finite (JSON has no NaN).</summary>
    public static JsonNode? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    private static void Write(JsonNode document, Stream output)
    {
        using (var writer = new Utf8JsonWriter(output, Options)) document.WriteTo(writer);
        output.WriteByte((byte)'\n');
    }
}
