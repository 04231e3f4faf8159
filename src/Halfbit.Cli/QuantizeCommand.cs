using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Pipeline;

namespace Halfbit.Cli;

/// <summary>halfbit quantize: compresses a checkpoint.</summary>
internal static class QuantizeCommand
{
    public static Command Create()
    {
        Argument<string> model = SharedOptions.Model();
        var output = new Option<string>("-o", "--out") { Description = "Folder to write; complete or absent, a partial job lives in OUT.partial", HelpName = "OUT", Required = true };
        var calibration = new CalibrationArguments();
        Option<int?> threads = SharedOptions.Threads();
        var resume = new Option<bool>("--resume") { Description = "Go on with a partial job from its last finished block" };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace OUT, or start a partial job again" };
        Option<bool> json = SharedOptions.Json();
        var method = new MethodArguments();
        var command = new Command("quantize", SharedOptions.WithExample(
            "Compresses a checkpoint block by block in bounded memory",
            "halfbit quantize samples/llama-13m -o out --method pb-llm --salient 0.1 --samples 32 --seq-len 256"))
        {
            model, output,
        };
        method.AddTo(command);
        calibration.AddTo(command);
        foreach (Option option in (Option[])[threads, resume, overwrite, json]) command.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            var options = new QuantizationJobOptions
            {
                ModelFolder = parsed.GetValue(model)!,
                OutputFolder = parsed.GetValue(output)!,
                Method = method.Create(parsed),
                CalibrationFile = calibration.File(parsed),
                Samples = calibration.Samples(parsed),
                SequenceLength = calibration.SequenceLength(parsed),
                Seed = calibration.Seed(parsed),
                Resume = parsed.GetValue(resume),
                Overwrite = parsed.GetValue(overwrite),
            };
            Run(options, parsed.GetValue(json), cancellation);
            return Failure.None;
        })));
        return command;
    }

    private static void Run(QuantizationJobOptions options, bool asJson, CancellationToken cancellation)
    {
        QuantizationReport report;
        using (var progress = new QuantizationProgressPrinter())
        {
            try
            {
                report = QuantizationJob.Run(options, progress.Show, cancellation);
            }
            catch (OperationCanceledException exception)
            {
                throw new OperationCanceledException($"interrupted; finished blocks are kept in {Path.TrimEndingDirectorySeparator(options.OutputFolder)}.partial, the same command with --resume goes on from there", exception);
            }
        }

        if (asJson) JsonOutput.Write(ToJson(options, report));
        else Print(options, report);
    }

    private static JsonObject ToJson(QuantizationJobOptions options, QuantizationReport report) => new()
    {
        ["model"] = options.ModelFolder,
        ["output"] = options.OutputFolder,
        ["method"] = report.Method,
        ["options"] = JsonOutput.Object(report.Options),
        ["calibration"] = report.Calibration,
        ["nominalBits"] = report.NominalBits,
        ["trueBits"] = report.TrueBits,
        ["bytes"] = report.Bytes,
        ["sourceBytes"] = report.SourceBytes,
        ["seconds"] = report.Seconds,
        ["peakMemoryBytes"] = report.PeakMemoryBytes,
        ["fallbacks"] = JsonOutput.Array(report.Fallbacks.Select(f => JsonValue.Create(f))),
        ["layers"] = LayerJson.Of(report.Layers),
    };

    private static void Print(QuantizationJobOptions options, QuantizationReport report)
    {
        Console.WriteLine($"{options.OutputFolder}: {report.Method} ({string.Join(", ", report.Options.Select(o => $"{o.Key} {o.Value}"))})");
        if (report.Calibration is not null) Console.WriteLine($"calibration         {report.Calibration}");
        Console.WriteLine(FormattableString.Invariant($"quantized weights   {report.Weights:N0} in {report.Layers.Count} layers"));
        Console.WriteLine(FormattableString.Invariant($"bits per weight     {report.TrueBits:F3} true, {report.NominalBits:F3} nominal"));
        Console.WriteLine(FormattableString.Invariant($"weights files       {report.Bytes / 1e6:F1} MB, originally {report.SourceBytes / 1e6:F1} MB"));
        Console.WriteLine(FormattableString.Invariant($"relative error      {report.Layers.Average(l => l.RelativeError):F4} (mean over layers)"));
        Console.WriteLine(FormattableString.Invariant($"time, peak memory   {report.Seconds:F1} s, {report.PeakMemoryBytes / 1e6:F0} MB"));
        if (report.Fallbacks.Count > 0) Console.WriteLine($"fallbacks           {report.Fallbacks.Count}, listed in halfbit.json; the first: {report.Fallbacks[0]}");
    }
}
