using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Reports;
using Halfbit.Tokenization;

namespace Halfbit.Cli;

/// <summary>halfbit compare: several methods on one model, tabulated and as a report.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Argument<string> model = SharedOptions.Model();
        var methods = new Option<string[]>("--methods")
        {
            Description = "Methods with their options, separated by semicolons, each optionally after a label: \"rtn --bits 2; Ours = pb-llm --salient 0.1\"; bare names by commas. Can be repeated",
            HelpName = "LIST",
            DefaultValueFactory = _ => [],
        };
        var methodsFile = new Option<string?>("--methods-file") { Description = "The same from a file, one per line; lines that begin with # are comments", HelpName = "FILE" };
        var report = new Option<string?>("--report") { Description = "Write a report with plots, one HTML file that needs nothing else", HelpName = "OUT.html" };
        var keep = new Option<string?>("--keep") { Description = "Keep the compressed models in this folder", HelpName = "FOLDER" };
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var perplexity = new PerplexityArguments(isRequired: true);
        var tasks = new TaskArguments();
        var calibration = new CalibrationArguments();
        var command = new Command("compare", SharedOptions.WithExample(
            "Compresses a model with several methods that share one calibration, and compares true bits with quality",
            "halfbit compare samples/llama-13m --methods \"rtn --bits 2; gptq --bits 2; pb-llm --salient 0.1\" --perplexity book.txt --report report.html"))
        {
            model, methods, methodsFile,
        };
        perplexity.AddTo(command);
        tasks.AddTo(command);
        calibration.AddTo(command);
        foreach (Option option in (Option[])[report, keep, threads, json]) command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            string folder = parsed.GetValue(model)!;
            string? page = parsed.GetValue(report);
            var options = new ComparisonOptions
            {
                ModelFolder = folder,
                Contestants = MethodList.Parse(parsed.GetValue(methods)!, parsed.GetValue(methodsFile)),
                Texts = [],
                WorkFolder = string.Empty,
                KeepsModels = parsed.GetValue(keep) is not null,
                CalibrationFile = calibration.File(parsed),
                Samples = calibration.Samples(parsed),
                SequenceLength = calibration.SequenceLength(parsed),
                Seed = calibration.Seed(parsed),
                Perplexity = perplexity.Options(parsed),
            };
            if (page is not null) SharedOptions.CheckPlace("--report", page);
            Tokenizer tokenizer = Tokenizer.Load(folder);
            options = options with { Texts = [.. perplexity.Files(parsed).Select(file => new EvaluationText(file, TextInput.TokenStream(tokenizer, TextInput.Read(file))))] };
            if (tasks.AreGiven(parsed))
            {
                var measured = new TaskComparison(tasks.Selections(parsed), tasks.Library(parsed), tasks.Options(parsed), tokenizer);
                TaskItems.Check(measured.Tasks, measured.Library, measured.Options);
                options = options with { Tasks = measured };
            }

            using var models = new ModelsFolder(parsed.GetValue(keep), "compare");
            return Run(options with { WorkFolder = models.Path }, page, parsed.GetValue(json), cancellation);
        })));
        return command;
    }

    private static int Run(ComparisonOptions options, string? page, bool asJson, CancellationToken cancellation)
    {
        ComparisonResult result;
        using (var progress = new ComparisonPrinter()) result = Comparison.Run(options, progress.Show, cancellation);
        if (page is not null) ComparisonReport.Write(page, result);
        if (asJson)
        {
            JsonOutput.Write(new JsonObject
            {
                ["model"] = result.Model,
                ["calibration"] = result.Calibration,
                ["calibrationSeconds"] = result.CalibrationSeconds,
                ["peakMemoryNote"] = result.PeakMemoryNote,
                ["zeroShot"] = result.TaskConditions,
                ["results"] = ComparisonPrinter.ToJson(result),
            });
        }
        else
        {
            Print(result, page);
        }

        if (ComparisonPrinter.Failures(result) is not string failures) return Failure.None;
        Failure.Report(failures);
        return Failure.Failed;
    }

    private static void Print(ComparisonResult result, string? page)
    {
        Console.WriteLine(result.Model);
        foreach (TextMeasurement text in result.Rows[0].Texts)
            Console.WriteLine(FormattableString.Invariant($"perplexity          {text.Text}: {text.Result.PredictedTokens} predictions in {text.Result.Windows} windows of {text.Result.Window} tokens"));
        if (result.Calibration is not null) Console.WriteLine(FormattableString.Invariant($"calibration         {result.Calibration}; {result.CalibrationSeconds:F1} s, once for all methods"));
        Console.WriteLine();
        ComparisonPrinter.PrintTable(result, isDetailed: true);
        ComparisonPrinter.PrintTasks(result);
        Console.WriteLine();
        Console.WriteLine("bits/weight: every byte stored for the blocks' linear layers. front *: no other model has fewer bits and less perplexity.");
        if (result.PeakMemoryNote is not null) Console.WriteLine($"Peak memory per method is not known: {result.PeakMemoryNote}.");
        if (page is not null) Console.WriteLine($"Report with plots: {page}");
    }
}
