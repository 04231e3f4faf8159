using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Generation;
using Halfbit.Models;
using Halfbit.Pipeline;
using Halfbit.Quantization;
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

    private sealed record Row(string Name, string Method, double TrueBits, long Bytes, double Perplexity, double Seconds, string Continuation);

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
            string? kept = parsed.GetValue(keep);
            string output = kept ?? Directory.CreateTempSubdirectory("halfbit-demo-").FullName;
            try
            {
                Run(folder, output, parsed.GetValue(json), cancellation);
            }
            finally
            {
                if (kept is null) Directory.Delete(output, recursive: true);
            }

            return Failure.None;
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

    private static void Run(string folder, string output, bool asJson, CancellationToken cancellation)
    {
        using ModelFolder original = ModelFolder.Open(folder);
        int window = Math.Min(512, original.Decoder.Config.MaxPositions);
        int[] stream = SampleText(original.Decoder, window, cancellation);
        var rows = new List<Row> { Measure("original", "none", folder, stream, window, 0, cancellation) };
        foreach ((string label, string method, (string Key, string Value)[] options) in Contestants)
        {
            string packed = Path.Combine(output, FileNameOf(label));
            QuantizationReport report;
            using (var progress = new QuantizationProgressPrinter(label, isBrief: true))
            {
                report = QuantizationJob.Run(
                    new QuantizationJobOptions
                    {
                        ModelFolder = folder,
                        OutputFolder = packed,
                        Method = MethodCatalog.Create(method, options.ToDictionary(o => o.Key, o => o.Value)),
                        Samples = CalibrationSamples,
                        SequenceLength = Math.Min(CalibrationLength, window),
                    },
                    progress.Show,
                    cancellation);
            }

            rows.Add(Measure(label, method, packed, stream, window, report.Seconds, cancellation));
        }

        if (asJson) JsonOutput.Write(new JsonObject { ["model"] = folder, ["prompt"] = Prompt, ["results"] = JsonOutput.Array(rows.Select(ToJson)) });
        else Print(folder, rows, window);
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

    private static Row Measure(string label, string method, string folder, int[] stream, int window, double seconds, CancellationToken cancellation)
    {
        using ModelFolder model = ModelFolder.Open(folder);
        using var progress = new ProgressLine();
        PerplexityResult perplexity = Perplexity.Measure(
            model.Decoder, stream, new PerplexityOptions { Window = window }, progress: step => progress.Update(() => $"{label}: window {step.Windows}/{step.AllWindows}"), cancellation: cancellation);
        Tokenizer tokenizer = Tokenizer.Load(folder);
        var decoder = new TokenStreamDecoder(tokenizer, isContinuation: true);
        GenerationResult generation = new Generator(model.Decoder).Generate(tokenizer.Encode(Prompt), new GenerationOptions { MaxNewTokens = NewTokens }, cancellation: cancellation);
        string continuation = string.Concat(generation.Ids.Select(decoder.Append)) + decoder.Finish();
        return new Row(label, method, model.TrueBits, model.Checkpoint.ByteCount, perplexity.Value, seconds, continuation);
    }

    private static string FileNameOf(string label) => string.Concat(label.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'));

    private static JsonObject ToJson(Row row) => new()
    {
        ["name"] = row.Name,
        ["method"] = row.Method,
        ["trueBits"] = row.TrueBits,
        ["bytes"] = row.Bytes,
        ["perplexity"] = JsonOutput.Number(row.Perplexity),
        ["seconds"] = row.Seconds,
        ["continuation"] = row.Continuation,
    };

    private static void Print(string folder, List<Row> rows, int window)
    {
        Console.WriteLine($"{folder}");
        Console.WriteLine($"Calibrated on {CalibrationSamples} sequences of {CalibrationLength} tokens, evaluated on {EvaluationSamples} of {window}, all written by the original model");
        Console.WriteLine("itself (other seeds): no text is needed, and the original's own perplexity is the floor.");
        Console.WriteLine();
        Console.WriteLine("model                    bits/weight   weights files   perplexity   seconds");
        foreach (Row row in rows)
            Console.WriteLine(FormattableString.Invariant($"{row.Name,-24} {row.TrueBits,11:F3}   {row.Bytes / 1e6,10:F1} MB   {row.Perplexity,10:F2}   {row.Seconds,7:F1}"));
        Console.WriteLine();
        Console.WriteLine("bits/weight: every byte stored for the blocks' linear layers; embeddings and head stay as they are in all models.");
        Console.WriteLine();
        Console.WriteLine($"\"{Prompt}\" continues");
        foreach (Row row in rows) Console.WriteLine($"  {row.Name}: {row.Continuation.ReplaceLineEndings(" ").Trim()}");
    }
}
