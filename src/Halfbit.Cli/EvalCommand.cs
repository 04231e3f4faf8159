using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
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
        Argument<string> model = SharedOptions.Model();
        var perplexity = new PerplexityArguments();
        var reference = new Option<string?>("--reference") { Description = "Also measure KL divergence from this model and the share of equal top-1 predictions", HelpName = "MODEL" };
        Option<bool> exact = SharedOptions.Exact();
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("eval", SharedOptions.WithExample(
            "Measures perplexity over consecutive non-overlapping windows, and divergence from a reference model",
            "halfbit eval out --perplexity book.txt --window 512 --reference samples/llama-13m"))
        {
            model, reference, exact, threads, json,
        };
        perplexity.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            PerplexityOptions options = perplexity.Options(parsed);
            // Whole windows meet the weights: expanding them once for all rows is the faster way to single precision.
            ActivationPrecision? precision = parsed.GetValue(exact) ? null : ActivationPrecision.EightBits;
            using ModelFolder subject = ModelFolder.Open(parsed.GetValue(model)!, precision);
            using ModelFolder? original = parsed.GetValue(reference) is string folder ? ModelFolder.Open(folder, precision) : null;
            Run(subject, original, perplexity.Files(parsed), options, parsed.GetValue(json), cancellation);
            return Failure.None;
        })));
        return command;
    }

    private static void Run(ModelFolder model, ModelFolder? reference, string[] files, PerplexityOptions options, bool asJson, CancellationToken cancellation)
    {
        Tokenizer tokenizer = Tokenizer.Load(model.Checkpoint.Folder);
        if (reference is not null && reference.Decoder.Config.VocabularySize != model.Decoder.Config.VocabularySize)
            throw new OptionException($"--reference has a vocabulary of {reference.Decoder.Config.VocabularySize} tokens, the model one of {model.Decoder.Config.VocabularySize}; they cannot be compared");
        var rows = new JsonArray();
        foreach (string file in files)
        {
            int[] tokens = TextInput.TokenStream(tokenizer, TextInput.Read(file));
            var watch = Stopwatch.StartNew();
            PerplexityResult result = Measure(file, model, reference, tokens, options, cancellation);
            double seconds = watch.Elapsed.TotalSeconds;
            if (asJson) rows.Add((JsonNode)ToJson(file, tokens.Length, result, seconds));
            else Print(file, result, seconds);
        }

        if (asJson) JsonOutput.Write(new JsonObject { ["model"] = model.Checkpoint.Folder, ["perplexity"] = rows });
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
