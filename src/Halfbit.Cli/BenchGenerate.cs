using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Quantization;

namespace Halfbit.Cli;

/// <summary>halfbit bench generate: a synthetic model of LLaMA-7B shapes in each form of packed weights.</summary>
internal static class BenchGenerate
{
    /// <summary>Positions of the model, but for those of the first passes, which are not measured.</summary>
    private const int MostTokens = 4094;

    private const int MostSequences = 256;

    public static Command Create()
    {
        var forms = new Option<string[]>("--form") { Description = $"Forms to measure: {string.Join(", ", KernelThroughput.Forms)} (default: all)", HelpName = "F", AllowMultipleArgumentsPerToken = true };
        var blocks = new Option<int>("--blocks") { Description = "Blocks of the model", HelpName = "N", DefaultValueFactory = _ => 4 };
        var prompt = new Option<int>("--prompt") { Description = "Tokens of the prompt", HelpName = "N", DefaultValueFactory = _ => 256 };
        var tokens = new Option<int>("-n", "--max-tokens") { Description = "New tokens", HelpName = "N", DefaultValueFactory = _ => 32 };
        var threads = new Option<string?>("--threads") { Description = "Numbers of threads, separated by commas (default: 1 and all processors)", HelpName = "N,N" };
        var batch = new Option<string?>("--batch") { Description = "Numbers of sequences decoded at once, each with a cache of its own, separated by commas (default: 1); tokens per second are those of all together", HelpName = "N,N" };
        var folder = new Option<string?>("--folder") { Description = "Folder for the model's files, which are written for each form and removed after it (default: the system's temporary folder)", HelpName = "DIR" };
        Option<bool> exact = SharedOptions.Exact();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("generate", SharedOptions.WithExample(
            "Speed and memory of generating with random packed weights in the shapes of LLaMA-7B: written as a model laid out to run, opened from its files, mapped into memory",
            "halfbit bench generate --form sign --blocks 4 --batch 1,4,8"))
        {
            forms, blocks, prompt, tokens, threads, batch, folder, exact, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            var plan = new Plan
            {
                Forms = BenchKernels.FormsOf(parsed.GetValue(forms)),
                Threads = BenchKernels.ThreadsOf(parsed.GetValue(threads)),
                Batches = BatchesOf(parsed.GetValue(batch)),
                Blocks = SharedOptions.AtLeast("--blocks", parsed.GetValue(blocks), 1),
                PromptTokens = SharedOptions.AtLeast("--prompt", parsed.GetValue(prompt), 1),
                NewTokens = SharedOptions.AtLeast("-n", parsed.GetValue(tokens), 2),
                Precision = SharedOptions.Precision(parsed.GetValue(exact)),
                Folder = parsed.GetValue(folder),
            };
            if (plan.PromptTokens + plan.NewTokens > MostTokens) throw new OptionException($"--prompt and -n make {plan.PromptTokens + plan.NewTokens} tokens, the model has room for {MostTokens}");
            Run(plan, parsed.GetValue(json), cancellation);
            return Failure.None;
        })));
        return command;
    }

    /// <summary>Writes, opens and measures each form; its files are gone before the next is written.</summary>
    internal static IEnumerable<GenerationRow> Measure(Plan plan, CancellationToken cancellation)
    {
        foreach (string form in plan.Forms)
        {
            using var folder = ModelsFolder.Within(plan.Folder, "synthetic");
            SyntheticModel written = Write(plan, form, folder.Path, cancellation);
            using ModelFolder model = ModelFolder.Open(folder.Path, plan.Precision);
            foreach (GenerationRow row in GenerationThroughput.Measure(written, model.Decoder, plan.PromptTokens, plan.NewTokens, plan.Threads, plan.Batches, cancellation)) yield return row;
        }
    }

    private static SyntheticModel Write(Plan plan, string form, string folder, CancellationToken cancellation)
    {
        using var line = new ProgressLine();
        return SyntheticModel.Write(folder, form, plan.Blocks, plan.Shape, (done, all) => line.Update(() => FormattableString.Invariant($"{form}: {done / 1e6:F0}/{all / 1e6:F0} MB written")), cancellation);
    }

    private static void Run(Plan plan, bool asJson, CancellationToken cancellation)
    {
        var all = new JsonArray();
        if (!asJson)
        {
            Console.WriteLine($"kernel {DenseKernel.Current.Name}; {plan.Blocks} blocks of LLaMA-7B shapes, table of {plan.Shape.Vocabulary} tokens in F16; prompt {plan.PromptTokens}, new {plan.NewTokens} tokens; times are those of the median pass");
            Console.WriteLine("Resident memory is the process's: the weights file (packed weights, table, norms), mapped and touched; keys and values of all sequences; and the rest.");
            Console.WriteLine("form        threads  batch  bits/weight  weights, MB  resident, MB =   file + cache + rest  prompt tok/s  decode tok/s  ms/block  ms/head  tok/s of 32 blocks");
        }

        foreach (GenerationRow row in Measure(plan, cancellation))
        {
            if (asJson) all.Add((JsonNode)ToJson(row));
            else Console.WriteLine(ToText(row));
        }

        if (asJson) JsonOutput.Write(new JsonObject { ["kernel"] = DenseKernel.Current.Name, ["rows"] = all });
    }

    /// <summary>The numbers of sequences in a list.</summary>
    private static int[] BatchesOf(string? list)
    {
        if (list is null) return [1];
        int[] counts = TextInput.Numbers("--batch", list);
        return counts.Length > 0 && counts.All(c => c is > 0 and <= MostSequences) ? counts : throw new OptionException($"--batch is '{list}', expected numbers from 1 to {MostSequences} as in 1,4,8");
    }

    private static string ToText(GenerationRow row) => FormattableString.Invariant(
        $"{row.Form,-10}  {row.Threads,7}  {row.Batch,5}  {row.BitsPerWeight,11:F3}  {row.WeightBytes / 1e6,11:F0}  {row.ResidentBytes / 1e6,12:F0}   {row.FileBytes / 1e6,6:F0}  {row.CacheBytes / 1e6,6:F0}  {row.OtherBytes / 1e6,5:F0}")
        + FormattableString.Invariant($"  {row.PromptTokensPerSecond,12:F1}  {row.DecodeTokensPerSecond,12:F1}  {1000 * row.BlockSeconds,8:F2}  {1000 * row.HeadSeconds,7:F1}  {row.WholeTokensPerSecond,18:F1}");

    private static JsonObject ToJson(GenerationRow row) => new()
    {
        ["format"] = row.Form,
        ["form"] = row.Form,
        ["blocks"] = row.Blocks,
        ["threads"] = row.Threads,
        ["batch"] = row.Batch,
        ["bitsPerWeight"] = row.BitsPerWeight,
        ["promptTokensPerSecond"] = row.PromptTokensPerSecond,
        ["tokensPerSecond"] = row.DecodeTokensPerSecond,
        ["decodeTokensPerSecond"] = row.DecodeTokensPerSecond,
        ["weightsPerSecond"] = row.WeightsPerSecond,
        ["blockSeconds"] = row.BlockSeconds,
        ["headSeconds"] = row.HeadSeconds,
        ["wholeTokensPerSecond"] = row.WholeTokensPerSecond,
        ["weightBytes"] = row.WeightBytes,
        ["tableBytes"] = row.TableBytes,
        ["fileBytes"] = row.FileBytes,
        ["cacheBytes"] = row.CacheBytes,
        ["otherBytes"] = row.OtherBytes,
        ["residentBytes"] = row.ResidentBytes,
    };

    /// <summary>What to measure.</summary>
    internal sealed record Plan
    {
        public required string[] Forms { get; init; }

        public required int[] Threads { get; init; }

        public required int[] Batches { get; init; }

        public required int Blocks { get; init; }

        public required int PromptTokens { get; init; }

        public required int NewTokens { get; init; }

        public ActivationPrecision Precision { get; init; }

        /// <summary>Where files are written; null: the system's temporary folder.</summary>
        public string? Folder { get; init; }

        public SyntheticShape Shape { get; init; } = SyntheticShape.Llama7B;
    }
}
