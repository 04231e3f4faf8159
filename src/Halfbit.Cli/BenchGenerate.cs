using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Numerics;
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
        Option<bool> exact = SharedOptions.Exact();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("generate", SharedOptions.WithExample(
            "Speed and memory of generating with random packed weights in the shapes of LLaMA-7B", "halfbit bench generate --form sign --blocks 4 --batch 1,4,8"))
        {
            forms, blocks, prompt, tokens, threads, batch, exact, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            string[] chosen = BenchKernels.FormsOf(parsed.GetValue(forms));
            int[] counts = BenchKernels.ThreadsOf(parsed.GetValue(threads));
            int[] sequences = BatchesOf(parsed.GetValue(batch));
            int depth = SharedOptions.AtLeast("--blocks", parsed.GetValue(blocks), 1);
            int given = SharedOptions.AtLeast("--prompt", parsed.GetValue(prompt), 1);
            int wanted = SharedOptions.AtLeast("-n", parsed.GetValue(tokens), 2);
            if (given + wanted > MostTokens) throw new OptionException($"--prompt and -n make {given + wanted} tokens, the model has room for {MostTokens}");
            bool asJson = parsed.GetValue(json);
            var all = new JsonArray();
            if (!asJson)
            {
                Console.WriteLine($"kernel {DenseKernel.Current.Name}; {depth} blocks of LLaMA-7B shapes, table of 32000 tokens in F16; prompt {given}, new {wanted} tokens");
                Console.WriteLine("Resident memory is the process's: packed weights, the mapped table, keys and values of all sequences, and the rest. Times are those of the median pass.");
                Console.WriteLine("form        threads  batch  bits/weight  resident, MB = weights + table + cache + rest  prompt tok/s  decode tok/s  ms/block  ms/head  tok/s of 32 blocks");
            }

            foreach (GenerationRow row in chosen.SelectMany(form => GenerationThroughput.Measure(form, depth, given, wanted, counts, sequences, SharedOptions.Precision(parsed.GetValue(exact)), cancellation)))
            {
                if (asJson) all.Add((JsonNode)ToJson(row));
                else Console.WriteLine(ToText(row));
            }

            if (asJson) JsonOutput.Write(new JsonObject { ["kernel"] = DenseKernel.Current.Name, ["rows"] = all });
            return Failure.None;
        })));
        return command;
    }

    /// <summary>The numbers of sequences in a list.</summary>
    private static int[] BatchesOf(string? list)
    {
        if (list is null) return [1];
        int[] counts = TextInput.Numbers("--batch", list);
        return counts.Length > 0 && counts.All(c => c is > 0 and <= MostSequences) ? counts : throw new OptionException($"--batch is '{list}', expected numbers from 1 to {MostSequences} as in 1,4,8");
    }

    private static string ToText(GenerationRow row) => FormattableString.Invariant(
        $"{row.Form,-10}  {row.Threads,7}  {row.Batch,5}  {row.BitsPerWeight,11:F3}  {row.ResidentBytes / 1e6,12:F0}   {row.WeightBytes / 1e6,7:F0}   {row.TableBytes / 1e6,5:F0}   {row.CacheBytes / 1e6,5:F0}   {row.OtherBytes / 1e6,4:F0}")
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
        ["cacheBytes"] = row.CacheBytes,
        ["otherBytes"] = row.OtherBytes,
        ["residentBytes"] = row.ResidentBytes,
    };
}
