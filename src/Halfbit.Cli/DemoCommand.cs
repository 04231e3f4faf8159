using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Generation;
using Halfbit.Models;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Reports;
using Halfbit.Tokenization;

namespace Halfbit.Cli;

/// <summary>halfbit demo: the main job on the bundled small model, without network and without any text.</summary>
internal static class DemoCommand
{
    private const string Prompt = "The old man looked at her for a moment, and then";
    private const int CalibrationSamples = 32;
    private const int CalibrationLength = 256;
    private const int EvaluationSamples = 16;
    private const int NewTokens = 32;

    /// <summary>Calibration uses seed 0; the text to evaluate on is another sample.</summary>
    private const long EvaluationSeed = 1;

    private static readonly (string Label, string Method, (string Key, string Value)[] Options)[] Contestants =
    [
        ("PB-LLM, 10 % at 8 bit", "pb-llm", [("salient", "0.1")]),
        ("PB-LLM, 20 % at 3 bit", "pb-llm", [("salient", "0.2"), ("salient-bits", "3")]),
        ("GPTQ 2 bit", "gptq", [("bits", "2")]),
        ("XNOR", "xnor", []),
    ];

    public static Command Create()
    {
        var model = new Option<string?>("--model") { Description = "Another model folder (default: the bundled samples/llama-13m)", HelpName = "MODEL" };
        var keep = new Option<string?>("--keep") { Description = "Keep the compressed models in this folder", HelpName = "FOLDER" };
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("demo", SharedOptions.WithExample(
            "Compresses the bundled small model, compares it with the original, prints a table and a continuation from each; offline",
            "halfbit demo"))
        {
            model, keep, threads, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            string folder = parsed.GetValue(model) ?? FindSample();
            using var models = new ModelsFolder(parsed.GetValue(keep), "demo");
            return Run(folder, models.Path, parsed.GetValue(keep) is not null, parsed.GetValue(json), cancellation);
        })));
        return command;
    }

    private static string FindSample()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string sample = Path.Combine(folder.FullName, "samples", "llama-13m");
            if (Directory.Exists(sample)) return sample;
        }

        throw new InputException("the bundled model samples/llama-13m was not found; run the demo from a clone, or name a model folder with --model");
    }

    private static int Run(string folder, string output, bool isKept, bool asJson, CancellationToken cancellation)
    {
        int[] text;
        int window;
        using (ModelFolder original = ModelFolder.Open(folder))
        {
            window = Math.Min(512, original.Decoder.Config.MaxPositions);
            text = SampleText(original.Decoder, window, cancellation);
        }

        var continuations = new Dictionary<string, string>(StringComparer.Ordinal);
        var options = new ComparisonOptions
        {
            ModelFolder = folder,
            Contestants = [.. Contestants.Select(c => new Contestant(c.Label, MethodCatalog.Create(c.Method, c.Options.ToDictionary(o => o.Key, o => o.Value))))],
            Texts = [new EvaluationText("its own text", text)],
            WorkFolder = output,
            KeepsModels = isKept,
            Samples = CalibrationSamples,
            SequenceLength = Math.Min(CalibrationLength, window),
            Perplexity = new PerplexityOptions { Window = window },
            MeasuresDivergence = false,
            Visit = (name, model) => continuations[name] = Continue(model, cancellation),
        };
        ComparisonResult result;
        using (var progress = new ComparisonPrinter()) result = Comparison.Run(options, progress.Show, cancellation);
        if (asJson) JsonOutput.Write(ToJson(result, continuations));
        else Print(result, continuations, window);
        if (ComparisonPrinter.Failures(result) is not string failures) return Failure.None;
        Failure.Report(failures);
        return Failure.Failed;
    }

    /// <summary>Text of the original model, every window a sample of its own.</summary>
    private static int[] SampleText(Decoder decoder, int window, CancellationToken cancellation)
    {
        using var progress = new ProgressLine();
        int[][] text = SelfGeneration.Sample(
            decoder,
            new SelfGenerationOptions { Count = EvaluationSamples, Length = window, Seed = EvaluationSeed },
            (done, total) => progress.Update(() => FormattableString.Invariant($"original model writes the text to evaluate on: {100.0 * done / total:F0} %")),
            cancellation);
        return [.. text.SelectMany(s => s)];
    }

    private static string Continue(ModelFolder model, CancellationToken cancellation)
    {
        Tokenizer tokenizer = Tokenizer.Load(model.Checkpoint.Folder);
        var decoder = new TokenStreamDecoder(tokenizer, isContinuation: true);
        GenerationResult generation = new Generator(model.Decoder).Generate(tokenizer.Encode(Prompt), new GenerationOptions { MaxNewTokens = NewTokens }, cancellation: cancellation);
        return string.Concat(generation.Ids.Select(decoder.Append)) + decoder.Finish();
    }

    private static JsonObject ToJson(ComparisonResult result, Dictionary<string, string> continuations)
    {
        JsonArray rows = ComparisonPrinter.ToJson(result);
        foreach (JsonNode? row in rows) row!["continuation"] = continuations.GetValueOrDefault((string)row["name"]!);
        return new JsonObject { ["model"] = result.Model, ["prompt"] = Prompt, ["calibrationSeconds"] = result.CalibrationSeconds, ["results"] = rows };
    }

    private static void Print(ComparisonResult result, Dictionary<string, string> continuations, int window)
    {
        Console.WriteLine(result.Model);
        Console.WriteLine(FormattableString.Invariant($"Calibrated on {CalibrationSamples} sequences of {Math.Min(CalibrationLength, window)} tokens ({result.CalibrationSeconds:F1} s, once), evaluated on {EvaluationSamples} of {window}, all written by the original"));
        Console.WriteLine("model itself (other seeds): no text is needed, and the original's own perplexity is the floor.");
        Console.WriteLine();
        ComparisonPrinter.PrintTable(result, isDetailed: false);
        Console.WriteLine();
        Console.WriteLine("bits/weight: every byte stored for the blocks' linear layers; embeddings and head stay as they are in all models.");
        Console.WriteLine();
        Console.WriteLine($"\"{Prompt}\" continues");
        foreach ((string name, string text) in continuations) Console.WriteLine($"  {name}: {text.ReplaceLineEndings(" ").Trim()}");
    }
}
