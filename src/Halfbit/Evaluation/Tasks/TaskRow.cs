using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Halfbit.Evaluation;

/// <summary>One document of a data set: named fields, and where they were read, for messages.</summary>
public sealed class TaskRow
{
    private readonly JsonObject fields;
    private readonly string place;

    /// <summary>A row.</summary>
    /// <param name="fields">The fields.</param>
    /// <param name="place">File and line.</param>
    internal TaskRow(JsonObject fields, string place)
    {
        this.fields = fields;
        this.place = place;
    }

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string path) => Find(path) is not null;

    /// <summary>A field as text; numbers and booleans as JSON writes them.</summary>
    /// <param name="path">Name of the field; <c>a.b</c> for a field of an object, <c>a[0]</c> for an element of a list.</param>
    /// <exception cref="TaskException">The field is missing, or a list or an object.</exception>
    public string Text(string path) => Find(path) switch
    {
        JsonValue value => TextOf(value, path),
        null => throw Missing(path),
        JsonNode other => throw Error($"field '{path}' is a JSON {other.GetValueKind()}, expected text or a number"),
    };

    /// <summary>A field that is a list of texts.</summary>
    /// <exception cref="TaskException">The field is missing or no such list.</exception>
    public IReadOnlyList<string> Texts(string path) => Find(path) switch
    {
        JsonArray list => [.. list.Select((node, i) => node is JsonValue value ? TextOf(value, $"{path}[{i}]") : throw Error($"field '{path}[{i}]' is no text"))],
        null => throw Missing(path),
        JsonNode other => throw Error($"field '{path}' is a JSON {other.GetValueKind()}, expected a list of texts"),
    };

    /// <summary>A field that is a list of objects, each as a row.</summary>
    /// <exception cref="TaskException">The field is missing or no such list.</exception>
    public IReadOnlyList<TaskRow> Rows(string path) => Find(path) is JsonArray list
        ? [.. list.Select((node, i) => node is JsonObject entry ? new TaskRow(entry, $"{place}, {path}[{i}]") : throw Error($"field '{path}[{i}]' is no object"))]
        : throw (Find(path) is null ? Missing(path) : Error($"field '{path}' is no list"));

    /// <summary>A copy with one field set.</summary>
    public TaskRow With(string field, string value) => With(field, JsonValue.Create(value));

    /// <summary>A copy with one field set to a list of texts.</summary>
    public TaskRow With(string field, IEnumerable<string> values) => With(field, new JsonArray([.. values.Select(v => (JsonNode)JsonValue.Create(v)!)]));

    /// <summary>An error about this row.</summary>
    public TaskException Error(string message) => new($"{place}: {message}");

    private TaskRow With(string field, JsonNode? value)
    {
        var copy = (JsonObject)fields.DeepClone();
        copy[field] = value;
        return new TaskRow(copy, place);
    }

    private TaskException Missing(string path) => Error($"field '{path}' is missing; the row has {string.Join(", ", fields.Select(f => f.Key))}");

    private string TextOf(JsonValue value, string path)
    {
        try
        {
            return value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();
        }
        catch (InvalidOperationException exception) // half of a surrogate pair
        {
            throw new TaskException($"{place}: field '{path}' is no valid Unicode text", exception);
        }
    }

    private JsonNode? Find(string path)
    {
        JsonNode? node = fields;
        foreach (string step in path.Replace("[", ".[", StringComparison.Ordinal).Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            if (step[0] == '[')
            {
                if (node is not JsonArray list || !int.TryParse(step.AsSpan(1).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= list.Count) return null;
                node = list[index];
            }
            else if (node is not JsonObject entry || !entry.TryGetPropertyValue(step, out node))
            {
                return null;
            }
        }

        return node;
    }
}
