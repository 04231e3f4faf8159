using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Numerics;
using Halfbit.Quantization;

namespace Halfbit.Cli;

/// <summary>halfbit bench kernels: products from packed bits against the bandwidth of the memory.</summary>
internal static class BenchKernels
{
    private static readonly string[] DefaultShapes = ["4096x4096", "11008x4096", "4096x11008", "1024x384"];

    public static Command Create()
    {
        var forms = new Option<string[]>("--form") { Description = $"Forms to measure: {string.Join(", ", RandomForms.Names)} (default: all)", HelpName = "F", AllowMultipleArgumentsPerToken = true };
        var shapes = new Option<string[]>("--shape") { Description = $"Rows and columns, as in 4096x4096 (default: {string.Join(", ", DefaultShapes)}, the last from the sample model)", HelpName = "RxC", AllowMultipleArgumentsPerToken = true };
        var threads = new Option<int?>("--threads") { Description = "Threads (default: one, then all processors)", HelpName = "N" };
        var megabytes = new Option<int>("--megabytes") { Description = "Matrices that take turns, so that weights come from memory rather than from a cache", HelpName = "N", DefaultValueFactory = _ => 1250 };
        Option<bool> exact = SharedOptions.Exact();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("kernels", SharedOptions.WithExample(
            "Products of packed weights with one row of activations and with 512, as a share of the read bandwidth and beside a dense product", "halfbit bench kernels --form sign --shape 4096x4096"))
        {
            forms, shapes, threads, megabytes, exact, json,
        };
        command.SetAction(parsed => Failure.Guard(() =>
        {
            string[] chosen = Forms(parsed.GetValue(forms));
            (int Rows, int Columns)[] sizes = [.. (parsed.GetValue(shapes) is { Length: > 0 } wanted ? wanted : DefaultShapes).Select(ShapeOf)];
            Run(chosen, sizes, Threads(parsed.GetValue(threads)), SharedOptions.AtLeast("--megabytes", parsed.GetValue(megabytes), 1), parsed.GetValue(exact), parsed.GetValue(json));
            return Failure.None;
        }));
        return command;
    }

    /// <summary>The forms that were given, or all.</summary>
    /// <exception cref="OptionException">One is unknown.</exception>
    public static string[] Forms(string[]? given)
    {
        string? unknown = given?.FirstOrDefault(form => !RandomForms.Names.Contains(form));
        if (unknown is not null) throw new OptionException($"--form '{unknown}' is unknown; known are {string.Join(", ", RandomForms.Names)}");
        return given is { Length: > 0 } ? given : [.. RandomForms.Names];
    }

    /// <summary>The number of threads that was given, or one and all processors.</summary>
    public static int[] Threads(int? given) => given is int one ? [SharedOptions.AtLeast("--threads", one, 1)] : [.. new[] { 1, Environment.ProcessorCount }.Distinct()];

    private static void Run(string[] forms, (int Rows, int Columns)[] sizes, int[] threads, int megabytes, bool isExact, bool asJson)
    {
        var throughput = new KernelThroughput((int)Math.Min(2_000_000_000, megabytes * 1_000_000L));
        var all = new JsonArray();
        if (!asJson)
        {
            Console.WriteLine($"kernel {DenseKernel.Current.Name}; G = 10^9; from {megabytes} MB of matrices; prompt: {throughput.PromptRows} rows of activations, two operations per weight");
            Console.WriteLine("form             shape  threads  bits/weight  Gweights/s   GB/s  read GB/s  share  prompt GFLOP/s  dense GFLOP/s");
        }

        foreach ((int rows, int columns) in sizes)
        {
            foreach (string form in forms)
            {
                foreach (KernelRow row in throughput.Measure(form, rows, columns, threads, isExact))
                {
                    if (asJson) all.Add((JsonNode)ToJson(row));
                    else Console.WriteLine(ToText(row));
                }
            }
        }

        if (asJson) JsonOutput.Write(new JsonObject { ["kernel"] = DenseKernel.Current.Name, ["exact"] = isExact, ["rows"] = all });
    }

    private static (int Rows, int Columns) ShapeOf(string text)
    {
        string[] parts = text.Split('x');
        if (parts.Length == 2 && Number(parts[0]) is int rows && Number(parts[1]) is int columns && (long)rows * columns <= 1 << 28) return (rows, columns);
        throw new OptionException($"--shape is '{text}', expected rows and columns as in 4096x4096, at most 2^28 weights");

        static int? Number(string digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0 ? value : null;
    }

    private static string ToText(KernelRow row)
    {
        string shape = FormattableString.Invariant($"{row.Rows}x{row.Columns}");
        return FormattableString.Invariant(
            $"{row.Form,-10} {shape,11}  {row.Threads,7}  {row.BitsPerWeight,11:F3}  {row.WeightsPerSecond / 1e9,10:F1}  {row.BytesPerSecond / 1e9,5:F1}  {row.ReadBandwidth / 1e9,9:F1}  {row.Share,5:F2}  {row.PromptFlops / 1e9,14:F0}  {row.DenseFlops / 1e9,13:F0}");
    }

    private static JsonObject ToJson(KernelRow row) => new()
    {
        ["form"] = row.Form,
        ["rows"] = row.Rows,
        ["columns"] = row.Columns,
        ["threads"] = row.Threads,
        ["bitsPerWeight"] = row.BitsPerWeight,
        ["weightsPerSecond"] = row.WeightsPerSecond,
        ["bytesPerSecond"] = row.BytesPerSecond,
        ["readBytesPerSecond"] = row.ReadBandwidth,
        ["share"] = row.Share,
        ["promptFlops"] = row.PromptFlops,
        ["denseFlops"] = row.DenseFlops,
    };
}
