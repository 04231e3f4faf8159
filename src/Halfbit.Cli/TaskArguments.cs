using System.CommandLine;
using Halfbit.Evaluation;
using Halfbit.Quantization;

namespace Halfbit.Cli;

/// <summary>The options that say which zero-shot tasks are measured and how.</summary>
internal sealed class TaskArguments
{
    /// <summary>Folder of the tasks' data where --tasks-dir is not given.</summary>
    private const string FolderVariable = "HALFBIT_TASKS";

    private readonly Option<string[]> tasks = new("--tasks")
    {
        Description = $"Tasks, separated by blanks or commas: {string.Join(", ", TaskCatalog.Names)}, {TaskCatalog.All}; a category or subject of mmlu (mmlu_stem, mmlu_anatomy); mmlu_5shot; your own task's .json; piqa=FILE takes the rows from that file",
        HelpName = "TASK",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> folder = new("--tasks-dir") { Description = $"Folder with the tasks' data (default: ${FolderVariable}, else tasks); nothing is downloaded", HelpName = "FOLDER" };
    private readonly Option<int> shots = new("--shots") { Description = "Examples before each question, for tasks that have some (mmlu)", HelpName = "N", DefaultValueFactory = _ => 0 };
    private readonly Option<int?> limit = new("--limit") { Description = "Only N documents of each task (of each subject of mmlu)", HelpName = "N" };
    private readonly Option<string> bos = new("--bos") { Description = "Begin contexts with BOS: auto does what the harness's version does", HelpName = "auto|on|off", DefaultValueFactory = _ => "auto" };
    private readonly Option<string> harness = new("--harness") { Description = "Whose conventions: lm-evaluation-harness as it is, or its version 0.3 of PB-LLM's time", HelpName = "0.3|current", DefaultValueFactory = _ => "current" };
    private readonly Option<int?> maxLength = new("--max-length") { Description = "Tokens of a request that the model runs; longer ones lose their beginning (default: the model's context)", HelpName = "N" };

    public TaskArguments()
    {
        bos.AcceptOnlyFromAmong("auto", "on", "off");
        harness.AcceptOnlyFromAmong("0.3", "current");
    }

    /// <summary>Adds all options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[tasks, folder, shots, limit, bos, harness, maxLength]) command.Add(option);
    }

    /// <summary>Whether any task is asked for.</summary>
    public bool AreGiven(ParseResult parsed) => Names(parsed).Length > 0;

    /// <summary>The tasks.</summary>
    public IReadOnlyList<TaskSelection> Selections(ParseResult parsed)
        => TaskCatalog.Select(Names(parsed), Folder(parsed), SharedOptions.AtLeast("--shots", parsed.GetValue(shots), 0), Harness(parsed));

    /// <summary>The data.</summary>
    public TaskLibrary Library(ParseResult parsed)
        => Directory.Exists(Folder(parsed)) ? new TaskLibrary(Folder(parsed)) : throw new InputException($"{Folder(parsed)}: no such folder; name the folder with the tasks' data with --tasks-dir (docs/evaluation.md says what belongs there)");

    /// <summary>How the tasks are run.</summary>
    public TaskRunOptions Options(ParseResult parsed) => new()
    {
        Harness = Harness(parsed),
        Bos = parsed.GetValue(bos) switch { "on" => BosRule.On, "off" => BosRule.Off, _ => BosRule.Auto },
        Limit = parsed.GetValue(limit) is int n ? SharedOptions.AtLeast("--limit", n, 1) : null,
        MaxLength = parsed.GetValue(maxLength) is int length ? SharedOptions.AtLeast("--max-length", length, 1) : null,
    };

    private string[] Names(ParseResult parsed)
    {
        string[] given = parsed.GetValue(tasks) ?? [];
        string[] names = [.. given.SelectMany(g => g.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
        if (given.Length > 0 && names.Length == 0) throw new OptionException($"--tasks names no task; known are {string.Join(", ", TaskCatalog.Names)}, {TaskCatalog.All}");
        return names;
    }

    private string Folder(ParseResult parsed) => parsed.GetValue(folder) ?? Environment.GetEnvironmentVariable(FolderVariable) ?? "tasks";

    private Harness Harness(ParseResult parsed) => parsed.GetValue(harness) == "0.3" ? Evaluation.Harness.Version03 : Evaluation.Harness.Current;
}
