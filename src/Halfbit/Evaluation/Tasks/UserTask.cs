using System.Text.Json;
using System.Text.Json.Serialization;

namespace Halfbit.Evaluation;

/// <summary>A multiple-choice task that a user describes in a JSON file, with its rows in a jsonl file beside it.</summary>
internal sealed record UserTask
{
    private static readonly Dictionary<string, TaskMetric> MetricNames = new(StringComparer.Ordinal)
    {
        ["acc"] = TaskMetric.Accuracy,
        ["acc_norm"] = TaskMetric.NormalizedAccuracy,
    };

    public string? Name { get; init; }

    public string? Version { get; init; }

    public string? Data { get; init; }

    public string? Examples { get; init; }

    public string? Description { get; init; }

    public JsonElement Context { get; init; }

    public JsonElement Choices { get; init; }

    public string? Gold { get; init; }

    public JsonElement Labels { get; init; }

    public string? Delimiter { get; init; }

    public string[]? Metrics { get; init; }

    /// <summary>Reads a definition.</summary>
    /// <exception cref="TaskException">The file is no such definition.</exception>
    public static TaskDefinition Read(string path)
    {
        UserTask task;
        try
        {
            task = JsonSerializer.Deserialize(File.ReadAllBytes(path), UserTaskJson.Default.UserTask) ?? throw new TaskException($"{path}: expected a JSON object");
        }
        catch (JsonException exception)
        {
            throw new TaskException($"{path}: no valid task definition ({exception.Message.ReplaceLineEndings(" ")}); the fields are name, version, data, examples, description, context, choices, gold, labels, delimiter, metrics", exception);
        }

        return task.ToDefinition(path);
    }

    private TaskDefinition ToDefinition(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string name = Name ?? Path.GetFileNameWithoutExtension(path);
        (IReadOnlyList<string> choices, string? choicesField) = ListOrField(path, "choices", Choices, isRequired: true);
        (IReadOnlyList<string> labels, string? labelsField) = ListOrField(path, "labels", Labels, isRequired: false);
        if (TaskCatalog.Names.Contains(name)) throw new TaskException($"{path}: field 'name' is '{name}', the name of a task that is built in; choose another");
        var definition = new TaskDefinition
        {
            Name = name,
            Version = Version ?? "1",
            Files = [Path.Combine(folder, Data ?? throw Missing(path, "data", "the jsonl file with the rows"))],
            Origin = $"the file that 'data' in {path} names",
            ExampleFiles = Examples is null ? [] : [Path.Combine(folder, Examples)],
            DefinedIn = path,
            Description = Description ?? string.Empty,
            Contexts = ContextsOf(path),
            Choices = choices,
            ChoicesField = choicesField,
            Gold = Gold ?? throw Missing(path, "gold", "a template such as \"{label}\""),
            Labels = labels,
            LabelsField = labelsField,
            Delimiter = Delimiter ?? " ",
            Metrics = MetricsOf(path),
        };
        try
        {
            _ = new ItemBuilder(definition, []);
        }
        catch (TaskException exception)
        {
            throw new TaskException($"{path}: {exception.Message}", exception);
        }

        return definition;
    }

    private IReadOnlyList<string> ContextsOf(string path)
    {
        if (Context.ValueKind == JsonValueKind.String) return [Context.GetString()!];
        if (Context.ValueKind == JsonValueKind.Undefined) throw Missing(path, "context", "a template such as \"Question: {question}\\nAnswer:\"");
        return ListOrField(path, "context", Context, isRequired: true).Texts;
    }

    private IReadOnlyList<TaskMetric> MetricsOf(string path)
    {
        if (Metrics is null) return [TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy];
        if (Metrics.Length == 0) throw new TaskException($"{path}: field 'metrics' is empty, expected acc, acc_norm or both");
        return [.. Metrics.Select(m => MetricNames.TryGetValue(m, out TaskMetric metric) ? metric : throw new TaskException($"{path}: field 'metrics' holds '{m}', expected {string.Join(" or ", MetricNames.Keys)}"))];
    }

    /// <summary>A list of templates, or the name of a field that holds the list as <c>"{field}"</c>.</summary>
    private static (IReadOnlyList<string> Texts, string? Field) ListOrField(string path, string name, JsonElement value, bool isRequired)
    {
        if (value.ValueKind == JsonValueKind.Undefined) return isRequired ? throw Missing(path, name, "a list of templates, or \"{field}\" for a field that is a list") : ([], null);
        if (value.ValueKind == JsonValueKind.String && value.GetString() is ['{', .. string field, '}'] && field.IndexOfAny(['{', '}']) < 0) return ([], field.Trim());
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0 && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String))
            return ([.. value.EnumerateArray().Select(v => v.GetString()!)], null);
        throw new TaskException($"{path}: field '{name}' is {value.GetRawText()}, expected a list of texts, or \"{{field}}\" for a field that is a list");
    }

    private static TaskException Missing(string path, string field, string expected) => new($"{path}: field '{field}' is missing; expected {expected}");
}

/// <summary>How <see cref="UserTask"/> is read: an unknown field is an error.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true)]
[JsonSerializable(typeof(UserTask))]
internal sealed partial class UserTaskJson : JsonSerializerContext;
