using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Quantization;

namespace Halfbit.Cli;

/// <summary>halfbit bench kernels: products from packed bits, against the bandwidth of the memory and against dense products.</summary>
internal static class BenchKernels
{
    private const int MostWeights = 1 << 28;

    /// <summary>The shapes of LLaMA-7B, and one of the sample model.</summary>
    private static readonly (int Rows, int Columns)[] DefaultShapes = [(4096, 4096), (11008, 4096), (4096, 11008), (1024, 384)];

    public static Command Create()
    {
        string known = string.Join(", ", KernelThroughput.Forms);
        var forms = new Option<string[]>("--form") { Description = $"Forms to measure: {known} (default: all)", HelpName = "NAME", AllowMultipleArgumentsPerToken = true };
        var shapes = new Option<string[]>("--shape") { Description = $"Rows and columns (default: {string.Join(", ", DefaultShapes.Select(TextOf))})", HelpName = "RxC", AllowMultipleArgumentsPerToken = true };
        var model = new Option<string?>("--model") { Description = "Measure the shapes of this model's linear layers instead", HelpName = "MODEL" };
        var threads = new Option<string?>("--threads") { Description = "Numbers of threads, separated by commas (default: 1 and all processors)", HelpName = "N,N" };
        var megabytes = new Option<int>("--megabytes") { Description = "Copies that take turns, so that weights come from memory rather than from a cache", HelpName = "N", DefaultValueFactory = _ => 1250 };
        Option<bool> exact = SharedOptions.Exact();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("kernels", SharedOptions.WithExample(
            "Products of packed weights with one row of activations and with 512: beside the read bandwidth and beside dense products, in turns with them",
            "halfbit bench kernels --form sign --shape 4096x4096"))
        {
            forms, shapes, model, threads, megabytes, exact, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            var plan = new Plan(
                FormsOf(parsed.GetValue(forms)),
                ShapesOf(parsed.GetValue(shapes) ?? [], parsed.GetValue(model)),
                ThreadsOf(parsed.GetValue(threads)),
                SharedOptions.AtMost("--megabytes", SharedOptions.AtLeast("--megabytes", parsed.GetValue(megabytes), 2), 2000),
                SharedOptions.Precision(parsed.GetValue(exact)));
            Run(plan, parsed.GetValue(json), cancellation);
            return Failure.None;
        })));
        return command;
    }

    /// <summary>The forms that were given, or all.</summary>
    /// <exception cref="OptionException">One is unknown.</exception>
    public static string[] FormsOf(string[]? given)
    {
        string? unknown = given?.FirstOrDefault(form => !KernelThroughput.Forms.Contains(form));
        if (unknown is not null) throw new OptionException($"--form '{unknown}' is unknown; known are {string.Join(", ", KernelThroughput.Forms)}");
        return given is { Length: > 0 } ? given : [.. KernelThroughput.Forms];
    }

    private static void Run(Plan plan, bool asJson, CancellationToken cancellation)
    {
        var throughput = new KernelThroughput(plan.Megabytes * 1_000_000);
        var all = new JsonArray();
        if (!asJson)
        {
            string precision = plan.Precision == ActivationPrecision.Exact ? "24 bits" : "8 bits";
            Console.WriteLine($"kernel {DenseKernel.Current.Name}, activations of {precision}; one row of activations, weights from {plan.Megabytes} MB of memory; prompt of {throughput.PromptRows} rows, 2 operations per weight and row");
            Console.WriteLine("                                 bits/  |- one row --------------------------------|  |- prompt ----------------|");
            Console.WriteLine("form             shape  threads  weight  Gweights/s   GB/s  of read GB/s  share  x dense  GFLOP/s    dense  x dense");
        }

        foreach ((int rows, int columns) in plan.Shapes)
        {
            foreach (string form in plan.Forms)
            {
                cancellation.ThrowIfCancellationRequested();
                foreach (KernelRow row in throughput.Measure(form, rows, columns, plan.Threads, plan.Precision))
                {
                    if (asJson) all.Add((JsonNode)ToJson(row));
                    else Console.WriteLine(ToText(row));
                }

                // The next matrix takes the place of this one, not more.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }
        }

        if (!asJson) return;
        JsonOutput.Write(new JsonObject
        {
            ["kernel"] = DenseKernel.Current.Name,
            ["exact"] = plan.Precision == ActivationPrecision.Exact,
            ["megabytes"] = plan.Megabytes,
            ["rows"] = all,
        });
    }

    private static (int Rows, int Columns)[] ShapesOf(string[] named, string? model)
    {
        if (named.Length > 0 && model is not null) throw new OptionException("--shape and --model were both given, expected one of them");
        if (model is null) return named.Length > 0 ? [.. named.Select(ShapeOf)] : DefaultShapes;
        ModelConfig config = ModelConfig.Read(Path.Combine(model, "config.json"));
        int queries = config.HeadCount * config.HeadSize;
        (int, int)[] shapes =
        [
            (queries, config.HiddenSize), (config.KeyValueHeadCount * config.HeadSize, config.HiddenSize), (config.HiddenSize, queries),
            (config.FeedForwardSize, config.HiddenSize), (config.HiddenSize, config.FeedForwardSize),
        ];
        return [.. shapes.Distinct()];
    }

    private static (int Rows, int Columns) ShapeOf(string text)
    {
        string[] parts = text.Split('x');
        if (parts.Length == 2 && Number(parts[0]) is int rows && Number(parts[1]) is int columns && (long)rows * columns <= MostWeights) return (rows, columns);
        throw new OptionException($"--shape is '{text}', expected rows and columns as in 4096x4096, at most 2^28 weights");

        static int? Number(string digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0 ? value : null;
    }

    public static int[] ThreadsOf(string? list)
    {
        if (list is null) return [.. new[] { 1, Environment.ProcessorCount }.Distinct()];
        int[] counts = TextInput.Numbers("--threads", list);
        return counts.Length > 0 && counts.All(c => c is > 0 and <= 1024) ? counts : throw new OptionException($"--threads is '{list}', expected numbers from 1 to 1024 as in 1,2");
    }

    private static string TextOf((int Rows, int Columns) shape) => FormattableString.Invariant($"{shape.Rows}x{shape.Columns}");

    private static string ToText(KernelRow row) => FormattableString.Invariant(
        $"{row.Form,-10} {TextOf((row.Rows, row.Columns)),11}  {row.Threads,7}  {row.BitsPerWeight,6:F3}  {row.WeightsPerSecond / 1e9,10:F1}  {row.BytesPerSecond / 1e9,5:F1}  {row.ReadBandwidth / 1e9,12:F1}  {row.Share,5:F2}  {row.Ratio,7:F1}")
        + FormattableString.Invariant($"  {row.PromptFlops / 1e9,7:F0}  {row.DensePromptFlops / 1e9,7:F0}  {row.PromptRatio,7:F2}");

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
        ["denseWeightsPerSecond"] = row.DenseWeightsPerSecond,
        ["ratio"] = row.Ratio,
        ["promptRows"] = row.PromptRows,
        ["promptFlops"] = row.PromptFlops,
        ["densePromptFlops"] = row.DensePromptFlops,
        ["promptRatio"] = row.PromptRatio,
    };

    /// <summary>What to measure.</summary>
    private sealed record Plan(string[] Forms, (int Rows, int Columns)[] Shapes, int[] Threads, int Megabytes, ActivationPrecision Precision);
}
