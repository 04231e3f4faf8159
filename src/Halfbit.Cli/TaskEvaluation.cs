using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Tokenization;

namespace Halfbit.Cli;

/// <summary>The zero-shot part of halfbit eval. What is wrong with the tasks shows before the model is opened.</summary>
internal sealed class TaskEvaluation
{
    private readonly IReadOnlyList<TaskSelection> selections;
    private readonly TaskLibrary library;
    private readonly TaskRunOptions options;
    private readonly string? itemsFile;
    private readonly bool resumes;
    private readonly bool overwrites;

    public TaskEvaluation(TaskArguments arguments, ParseResult parsed, string? output, bool resumes, bool overwrites)
    {
        if (resumes && output is null) throw new OptionException("--resume needs the --output of the run to go on with");
        options = arguments.Options(parsed);
        selections = arguments.Selections(parsed);
        library = arguments.Library(parsed);
        TaskItems.Check(Tasks, library, options);
        itemsFile = output is null ? null : Path.ChangeExtension(output, ".items.jsonl");
        this.resumes = resumes;
        this.overwrites = overwrites;
    }

    private IReadOnlyList<TaskDefinition> Tasks => [.. selections.SelectMany(s => s.Tasks)];

    /// <summary>Runs the tasks, prints a table and adds everything to the result.</summary>
    public void Run(ModelFolder model, Tokenizer tokenizer, bool isExact, bool asJson, bool withItems, JsonObject result, CancellationToken cancellation)
    {
        int maxLength = TaskRun.MaxLengthOf(model.Decoder, options);
        JsonObject identity = TaskJson.Identity(model.Checkpoint.Folder, model.Checkpoint.Fingerprint(), isExact, options, maxLength, Tasks, library);
        using AnswerLog? log = itemsFile is null ? null : AnswerLog.Open(itemsFile, identity, resumes, overwrites);
        var run = new TaskRun(model.Decoder, tokenizer, library, options, log);
        var watch = Stopwatch.StartNew();
        TaskTable table;
        using (var progress = new ProgressLine())
        {
            if (log?.KnownCount > 0) progress.Keep($"{log.Path}: {log.KnownCount} documents are answered already");
            try
            {
                table = new TaskTable(selections, run.Run(
                    Tasks,
                    step => progress.Update(() => FormattableString.Invariant($"{step.TaskName}: document {step.Documents}/{step.AllDocuments}, {progress.TimeLeft(step.Share)}")),
                    cancellation));
            }
            catch (OperationCanceledException exception) when (log is not null)
            {
                throw new OperationCanceledException($"interrupted; the answers are kept in {log.Path}, the same command with --resume goes on from there", exception);
            }
        }

        result["options"] = identity;
        result["addsBos"] = run.AddsBos;
        result["zeroShot"] = TaskJson.Scores(table, withItems);
        result["tokensRun"] = run.DistinctTokens;
        result["seconds"] = watch.Elapsed.TotalSeconds;
        if (!asJson) TaskPrinter.Print(table);
    }
}
