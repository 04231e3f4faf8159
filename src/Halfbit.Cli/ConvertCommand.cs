using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Pipeline;

namespace Halfbit.Cli;

/// <summary>halfbit convert: lays a packed model out to run.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("PACKED") { Description = "Folder that 'halfbit quantize' wrote" };
        var output = new Option<string>("-o", "--out") { Description = "Folder to write; complete or absent", HelpName = "OUT", Required = true };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace OUT, or what an interrupted conversion has left" };
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("convert", SharedOptions.WithExample(
            "Lays a packed model out to run: larger files, which are multiplied where they are, so that the model starts at once",
            "halfbit convert out -o out-run"))
        {
            model, output, overwrite, threads, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            Run(parsed.GetValue(model)!, parsed.GetValue(output)!, parsed.GetValue(overwrite), parsed.GetValue(json), cancellation);
            return Failure.None;
        })));
        return command;
    }

    private static void Run(string model, string output, bool overwrite, bool asJson, CancellationToken cancellation)
    {
        RunFolderReport report;
        using (var line = new ProgressLine())
        {
            report = RunFolder.Write(model, output, overwrite, (done, count) => line.Update(() => $"{done}/{count} matrices, {line.TimeLeft(done / (double)count)}"), cancellation);
        }

        if (asJson)
        {
            JsonOutput.Write(new JsonObject
            {
                ["model"] = model,
                ["output"] = output,
                ["laidOut"] = report.LaidOut,
                ["coded"] = report.Coded,
                ["trueBits"] = report.TrueBits,
                ["sourceTrueBits"] = report.SourceTrueBits,
                ["bytes"] = report.Bytes,
                ["sourceBytes"] = report.SourceBytes,
                ["seconds"] = report.Seconds,
            });
            return;
        }

        Console.WriteLine($"{output}: {report.LaidOut} matrices laid out to run{(report.Coded > 0 ? $", {report.Coded} stay as they are: no kernel multiplies them" : string.Empty)}");
        Console.WriteLine(FormattableString.Invariant($"bits per weight     {report.TrueBits:F3} true, packed {report.SourceTrueBits:F3}"));
        Console.WriteLine(FormattableString.Invariant($"weights files       {report.Bytes / 1e6:F1} MB, packed {report.SourceBytes / 1e6:F1} MB"));
        Console.WriteLine(FormattableString.Invariant($"time                {report.Seconds:F1} s"));
    }
}
