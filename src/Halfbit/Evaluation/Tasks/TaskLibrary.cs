using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Halfbit.Evaluation;

/// <summary>A folder with the data of tasks. Files are read once and kept.</summary>
public sealed class TaskLibrary
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly Dictionary<string, IReadOnlyList<TaskRow>> files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> hashes = new(StringComparer.Ordinal);

    /// <summary>A library.</summary>
    /// <param name="folder">Path of the folder; read when a task asks.</param>
    public TaskLibrary(string folder) => Folder = folder;

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The documents of a task, in the order of the file.</summary>
    /// <exception cref="TaskException">The data are not there, a line is no JSON object, or no row belongs to the task.</exception>
    public IReadOnlyList<TaskRow> Documents(TaskDefinition task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return RowsOf(task, task.Files);
    }

    /// <summary>The rows of a task's few-shot examples: the first <see cref="TaskDefinition.Shots"/>.</summary>
    /// <exception cref="TaskException">As in <see cref="Documents"/>, or there are fewer rows.</exception>
    public IReadOnlyList<TaskRow> Examples(TaskDefinition task)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (task.Shots == 0) return [];
        if (task.ExampleFiles.Count == 0) throw new TaskException($"task '{task.Name}': has no few-shot examples here; run it without");
        IReadOnlyList<TaskRow> rows = RowsOf(task, task.ExampleFiles);
        if (rows.Count < task.Shots) throw new TaskException($"task '{task.Name}': {task.Shots} examples are asked for, {FileOf(task, task.ExampleFiles)} has {rows.Count}");
        return [.. rows.Take(task.Shots)];
    }

    /// <summary>The file that a task's documents are read from.</summary>
    /// <exception cref="TaskException">None of the task's files is there.</exception>
    public string FileOf(TaskDefinition task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return FileOf(task, task.Files);
    }

    /// <summary>SHA-256 of that file.</summary>
    /// <exception cref="TaskException">None of the task's files is there.</exception>
    public string HashOf(TaskDefinition task)
    {
        string path = FileOf(task);
        if (!hashes.TryGetValue(path, out string? hash)) hashes.Add(path, hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
        return hash;
    }

    private string FileOf(TaskDefinition task, IReadOnlyList<string> candidates)
    {
        foreach (string candidate in candidates)
        {
            string path = Path.Combine(Folder, candidate);
            if (File.Exists(path)) return path;
        }

        string others = candidates.Count > 1 ? ", nor " + string.Join(", ", candidates.Skip(1)) : string.Empty;
        throw new TaskException($"{Path.Combine(Folder, candidates[0])}: not found{others}, for task '{task.Name}'; "
            + $"get {task.Origin}, and name its folder with --tasks-dir or the file as {task.Name}=FILE (nothing is downloaded)");
    }

    private IReadOnlyList<TaskRow> RowsOf(TaskDefinition task, IReadOnlyList<string> candidates)
    {
        string path = FileOf(task, candidates);
        if (!files.TryGetValue(path, out IReadOnlyList<TaskRow>? rows)) files.Add(path, rows = Read(path));
        if (task.Only is not (string field, string value)) return rows;
        List<TaskRow> own = [.. rows.Where(row => row.Text(field) == value)];
        return own.Count > 0 ? own : throw new TaskException($"{path}: no row has the {field} '{value}' for task '{task.Name}'");
    }

    private static List<TaskRow> Read(string path)
    {
        string[] lines = Lines(path);
        string? beside = LabelsBeside(path);
        string[]? labels = beside is null ? null : [.. Lines(beside).Select(l => l.Trim()).Where(l => l.Length > 0)];
        var rows = new List<TaskRow>(lines.Length);
        int labelled = 0;
        for (int i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) continue;
            string place = $"{path}, line {i + 1}";
            var row = new TaskRow(Parse(lines[i], place), place);
            if (labels is not null && !row.Has("label"))
            {
                if (rows.Count >= labels.Length) throw row.Error($"{beside} has {labels.Length} labels, there are more rows; take both from one release");
                row = row.With("label", labels[rows.Count]);
                labelled++;
            }

            rows.Add(row);
        }

        if (labelled > 0 && labels?.Length > rows.Count) throw new TaskException($"{beside}: {labels.Length} labels for the {rows.Count} rows of {path}; take both from one release");
        if (rows.Count == 0) throw new TaskException($"{path}: the file is empty; expected one JSON object per line");
        return rows;
    }

    /// <summary>The labels that PIQA's authors put in a file of their own: <c>valid-labels.lst</c> for <c>valid.jsonl</c>.</summary>
    private static string? LabelsBeside(string path)
    {
        string labels = Path.Combine(Path.GetDirectoryName(path) ?? string.Empty, Path.GetFileNameWithoutExtension(path) + "-labels.lst");
        return File.Exists(labels) ? labels : null;
    }

    /// <summary>Lines end with LF or CR LF only: a text may hold other separators.</summary>
    private static string[] Lines(string path)
    {
        try
        {
            string text = Strict.GetString(File.ReadAllBytes(path)).TrimStart('\ufeff');
            string[] lines = text.Split('\n');
            return lines[^1].Length == 0 ? lines[..^1] : lines;
        }
        catch (DecoderFallbackException exception)
        {
            throw new TaskException($"{path}: not valid UTF-8 at byte {exception.Index}; convert the file to UTF-8", exception);
        }
    }

    private static JsonObject Parse(string line, string place)
    {
        try
        {
            return JsonNode.Parse(line, null, new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject ?? throw new TaskException($"{place}: expected a JSON object");
        }
        catch (JsonException exception)
        {
            throw new TaskException($"{place}: not valid JSON ({exception.Message.ReplaceLineEndings(" ")}); expected one JSON object per line", exception);
        }
    }
}
