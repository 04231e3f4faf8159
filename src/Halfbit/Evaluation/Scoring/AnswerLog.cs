using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Halfbit.Evaluation;

/// <summary>Answers in a file, a line each, written as they come: what a killed run has answered is not asked again.</summary>
/// <remarks>The first line says what the run is; only the same run may go on. A line that was cut off by a kill is asked again.</remarks>
public sealed class AnswerLog : IDisposable
{
    private readonly Dictionary<string, Dictionary<int, ItemAnswer>> known = new(StringComparer.Ordinal);
    private readonly FileStream stream;

    private AnswerLog(string path, FileStream stream)
    {
        Path = path;
        this.stream = stream;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Answers that were there when the file was opened.</summary>
    public int KnownCount => known.Values.Sum(answers => answers.Count);

    /// <summary>Begins a file or goes on with one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">What decides the answers: model, tasks and options.</param>
    /// <param name="resumes">Whether to go on with a file that is there; one that is not there is begun.</param>
    /// <param name="overwrites">Whether to begin anew where a file is.</param>
    /// <exception cref="TaskException">A file is there and neither is asked for, it belongs to another run, or it is damaged.</exception>
    public static AnswerLog Open(string path, JsonObject identity, bool resumes, bool overwrites)
    {
        ArgumentNullException.ThrowIfNull(identity);
        bool exists = File.Exists(path);
        if (exists && !resumes && !overwrites) throw new TaskException($"{path}: answers of an earlier run are there; go on with --resume, or replace them with --overwrite");
        bool isNew = !exists || !resumes;
        var log = new AnswerLog(path, new FileStream(path, isNew ? FileMode.Create : FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0));
        try
        {
            if (isNew) log.Begin(identity);
            else log.Read(identity);
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>The answer to an item, or null when it was not asked yet.</summary>
    public ItemAnswer? TryFind(string task, int index) => known.TryGetValue(task, out Dictionary<int, ItemAnswer>? answers) ? answers.GetValueOrDefault(index) : null;

    /// <summary>Adds answers; they are in the file when this returns.</summary>
    /// <exception cref="TaskException">The file cannot grow.</exception>
    public void Append(string task, IEnumerable<ItemAnswer> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        var text = new StringBuilder();
        foreach (ItemAnswer answer in answers) text.Append(JsonSerializer.Serialize(new AnswerLine(task, answer), AnswerJson.Default.AnswerLine)).Append('\n');
        Write(text.ToString());
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private void Begin(JsonObject identity) => Write(identity.ToJsonString() + "\n");

    /// <summary>Past the runtime's buffer: after an error nothing is left that closing the file would try again.</summary>
    private void Write(string lines)
    {
        try
        {
            stream.Write(Encoding.UTF8.GetBytes(lines));
        }
        catch (Exception exception) when (exception is IOException or ArgumentOutOfRangeException) // the latter when a file may not grow
        {
            throw new TaskException($"{Path}: answers cannot be written ({exception.Message.ReplaceLineEndings(" ")}); free some space and go on with --resume", exception);
        }
    }

    private void Read(JsonObject identity)
    {
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        int complete = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        string[] lines = Encoding.UTF8.GetString(bytes, 0, complete).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0) // killed before the first line was whole
        {
            stream.SetLength(0);
            Begin(identity);
            return;
        }

        Compare(Parse(lines[0], 1, line => JsonNode.Parse(line) as JsonObject), identity);
        for (int i = 1; i < lines.Length; i++)
        {
            AnswerLine line = Parse(lines[i], i + 1, text => JsonSerializer.Deserialize(text, AnswerJson.Default.AnswerLine));
            if (!line.Answer.IsWhole) throw Damaged(i + 1, null);
            if (!known.TryGetValue(line.TaskName, out Dictionary<int, ItemAnswer>? answers)) known.Add(line.TaskName, answers = []);
            answers[line.Answer.Index] = line.Answer;
        }

        stream.SetLength(complete);
        stream.Position = complete;
    }

    private void Compare(JsonObject earlier, JsonObject now)
    {
        foreach (string field in earlier.Select(p => p.Key).Union(now.Select(p => p.Key)))
        {
            if (!JsonNode.DeepEquals(earlier[field], now[field]))
                throw new TaskException($"{Path}: the earlier run had {field} {earlier[field]?.ToJsonString() ?? "none"}, this one has {now[field]?.ToJsonString() ?? "none"}; repeat its options, or start anew with --overwrite");
        }
    }

    private T Parse<T>(string line, int number, Func<string, T?> parse)
        where T : class
    {
        try
        {
            return parse(line) ?? throw Damaged(number, null);
        }
        catch (JsonException exception)
        {
            throw Damaged(number, exception);
        }
    }

    private TaskException Damaged(int line, Exception? cause)
        => new($"{Path}: line {line} is no answer of an earlier run; the file is damaged, start anew with --overwrite", cause!);
}

/// <summary>A line of the file.</summary>
/// <param name="TaskName">Name of the task.</param>
/// <param name="Answer">The answer to one of its items.</param>
internal sealed record AnswerLine([property: JsonPropertyName("task")] string TaskName, ItemAnswer Answer);

/// <summary>How lines are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, IgnoreReadOnlyProperties = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AnswerLine))]
internal sealed partial class AnswerJson : JsonSerializerContext;
