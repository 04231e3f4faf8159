using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Tokenization;

namespace Halfbit.Cli;

/// <summary>halfbit eval: measures a model.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        Argument<string?> model = new("MODEL") { Description = SharedOptions.ModelDescription + "; may be left out with --requests-only", Arity = ArgumentArity.ZeroOrOne };
        var perplexity = new PerplexityArguments(isRequired: false);
        var tasks = new TaskArguments();
        var reference = new Option<string?>("--reference") { Description = "Also measure KL divergence from this model and the share of equal top-1 predictions", HelpName = "MODEL" };
        Option<bool> exact = SharedOptions.Exact();
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var output = new Option<string?>("--output") { Description = "Write all results and what is needed to repeat them to this file; the answers to every document go to OUT.items.jsonl beside it as they come", HelpName = "OUT.json" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the answers that a killed run left beside --output" };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace an earlier run's answers" };
        var items = new Option<bool>("--items") { Description = "Put the log-likelihoods of every document's choices into the JSON, too" };
        var requestsOnly = new Option<bool>("--requests-only") { Description = "Only print the number of the tasks' requests and their hashes; no model is needed" };
        var command = new Command("eval", SharedOptions.WithExample(
            "Measures perplexity over consecutive non-overlapping windows, divergence from a reference model, and zero-shot tasks as EleutherAI's harness does (docs/evaluation.md)",
            "halfbit eval out --perplexity book.txt --window 512 --tasks piqa,arc_easy --tasks-dir tasks"))
        {
            model, reference, exact, threads, json, output, resume, overwrite, items, requestsOnly,
        };
        perplexity.AddTo(command);
        tasks.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            string[] texts = perplexity.Files(parsed);
            if (texts.Length == 0 && !tasks.AreGiven(parsed)) throw new OptionException("nothing is measured; name texts with --perplexity, tasks with --tasks, or both");
            if (parsed.GetValue(output) is string place) SharedOptions.CheckPlace("--output", place);
            if (parsed.GetValue(requestsOnly)) return ListRequests(tasks, parsed, parsed.GetValue(json));
            string folder = parsed.GetValue(model) ?? throw new OptionException("MODEL is missing; write it first, --tasks and --perplexity take all words that follow");
            PerplexityOptions options = perplexity.Options(parsed);
            // Whole windows meet the weights: expanding them once for all rows is the faster way to single precision.
            ActivationPrecision? precision = parsed.GetValue(exact) ? null : ActivationPrecision.EightBits;
            TaskEvaluation? evaluation = tasks.AreGiven(parsed)
                ? new TaskEvaluation(tasks, parsed, parsed.GetValue(output), parsed.GetValue(resume), parsed.GetValue(overwrite))
                : null;
            if (evaluation is null && parsed.GetValue(resume)) throw new OptionException("--resume goes on with the answers to tasks, and --tasks names none");
            using ModelFolder subject = ModelFolder.Open(folder, precision);
            using ModelFolder? original = parsed.GetValue(reference) is string other ? ModelFolder.Open(other, precision) : null;
            Tokenizer tokenizer = Tokenizer.Load(folder);
            JsonArray rows = MeasureTexts(subject, original, tokenizer, texts, options, parsed.GetValue(json), cancellation);
            var result = new JsonObject { ["model"] = folder, ["halfbit"] = typeof(ModelFolder).Assembly.GetName().Version?.ToString(3), ["perplexity"] = rows };
            evaluation?.Run(subject, tokenizer, parsed.GetValue(exact), parsed.GetValue(json), parsed.GetValue(items), result, cancellation);
            if (parsed.GetValue(output) is string file) AtomicFile.WriteText(file, JsonOutput.Text(result));
            if (parsed.GetValue(json)) JsonOutput.Write(result);
            return Failure.None;
        })));
        return command;
    }

    private static int ListRequests(TaskArguments tasks, ParseResult parsed, bool asJson)
    {
        TaskLibrary library = tasks.Library(parsed);
        TaskRunOptions options = tasks.Options(parsed);
        List<(string Name, RequestFingerprint Fingerprint)> rows =
            [.. tasks.Selections(parsed).Select(s => (s.Name, RequestFingerprint.Of(s.Tasks.SelectMany(t => TaskItems.Load(t, library, options.Limit, options.Harness)))))];
        if (asJson) JsonOutput.Write(TaskJson.Fingerprints(rows));
        else TaskPrinter.Print(rows);
        return Failure.None;
    }

    private static JsonArray MeasureTexts(
        ModelFolder model, ModelFolder? reference, Tokenizer tokenizer, string[] files, PerplexityOptions options, bool asJson, CancellationToken cancellation)
    {
        if (reference is not null && reference.Decoder.Config.VocabularySize != model.Decoder.Config.VocabularySize)
            throw new OptionException($"--reference has a vocabulary of {reference.Decoder.Config.VocabularySize} tokens, the model one of {model.Decoder.Config.VocabularySize}; they cannot be compared");
        var rows = new JsonArray();
        foreach (string file in files)
        {
            int[] tokens = TextInput.TokenStream(tokenizer, TextInput.Read(file));
            var watch = Stopwatch.StartNew();
            PerplexityResult result = Measure(file, model, reference, tokens, options, cancellation);
            double seconds = watch.Elapsed.TotalSeconds;
            rows.Add((JsonNode)ToJson(file, tokens.Length, result, seconds));
            if (!asJson) Print(file, result, seconds);
        }

        return rows;
    }

    private static PerplexityResult Measure(string file, ModelFolder model, ModelFolder? reference, int[] tokens, PerplexityOptions options, CancellationToken cancellation)
    {
        using var progress = new ProgressLine();
        try
        {
            return Perplexity.Measure(
                model.Decoder,
                tokens,
                options,
                reference?.Decoder,
                step => progress.Update(() => FormattableString.Invariant(
                    $"{file}: window {step.Windows}/{step.AllWindows}, perplexity {step.Perplexity:F3}, {progress.TimeLeft((double)step.Windows / step.AllWindows)}")),
                cancellation);
        }
        catch (ArgumentException exception)
        {
            throw new InputException($"{file}: {exception.Message}", exception);
        }
    }

    private static JsonObject ToJson(string file, int tokens, PerplexityResult result, double seconds)
    {
        var row = new JsonObject
        {
            ["file"] = file,
            ["value"] = JsonOutput.Number(result.Value),
            ["meanNll"] = JsonOutput.Number(result.MeanNll),
            ["tokens"] = tokens,
            ["predictedTokens"] = result.PredictedTokens,
            ["window"] = result.Window,
            ["windows"] = result.Windows,
            ["seconds"] = seconds,
        };
        if (result.KlDivergence is double divergence) row["klDivergence"] = JsonOutput.Number(divergence);
        if (result.Top1Agreement is double agreement) row["top1Agreement"] = agreement;
        return row;
    }

    private static void Print(string file, PerplexityResult result, double seconds)
    {
        Console.WriteLine(FormattableString.Invariant($"{file}: perplexity {result.Value:F4}  ({result.PredictedTokens} predictions in {result.Windows} windows of {result.Window} tokens, {seconds:F1} s)"));
        if (result.KlDivergence is not null)
            Console.WriteLine(FormattableString.Invariant($"{file}: KL divergence from the reference {result.KlDivergence:F4} nats, equal top-1 predictions {100 * result.Top1Agreement:F1} %"));
    }
}
