using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Numerics;
using Halfbit.Quantization;

namespace Halfbit.Cli;

/// <summary>halfbit bench generate: a synthetic model of LLaMA-7B shapes in each form of packed weights.</summary>
internal static class BenchGenerate
{
    public static Command Create()
    {
        var forms = new Option<string[]>("--form") { Description = $"Forms to measure: {string.Join(", ", KernelThroughput.Forms)} (default: all)", HelpName = "F", AllowMultipleArgumentsPerToken = true };
        var blocks = new Option<int>("--blocks") { Description = "Blocks of the model", HelpName = "N", DefaultValueFactory = _ => 4 };
        var prompt = new Option<int>("--prompt") { Description = "Tokens of the prompt", HelpName = "N", DefaultValueFactory = _ => 256 };
        var tokens = new Option<int>("-n", "--max-tokens") { Description = "New tokens", HelpName = "N", DefaultValueFactory = _ => 32 };
        var threads = new Option<string?>("--threads") { Description = "Numbers of threads, separated by commas (default: 1 and all processors)", HelpName = "N,N" };
        Option<bool> exact = SharedOptions.Exact();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("generate", SharedOptions.WithExample(
            "Speed and memory of generating with random packed weights in the shapes of LLaMA-7B", "halfbit bench generate --form sign --blocks 4"))
        {
            forms, blocks, prompt, tokens, threads, exact, json,
        };
        command.SetAction(parsed => Failure.Guard(() =>
        {
            string[] chosen = BenchKernels.FormsOf(parsed.GetValue(forms));
            int[] counts = BenchKernels.ThreadsOf(parsed.GetValue(threads));
            int depth = SharedOptions.AtLeast("--blocks", parsed.GetValue(blocks), 1);
            int given = SharedOptions.AtLeast("--prompt", parsed.GetValue(prompt), 1);
            int wanted = SharedOptions.AtLeast("-n", parsed.GetValue(tokens), 2);
            if (given + wanted > 4096) throw new OptionException($"--prompt and -n make {given + wanted} tokens, the model has 4096 positions");
            bool asJson = parsed.GetValue(json);
            var all = new JsonArray();
            if (!asJson)
            {
                Console.WriteLine($"kernel {DenseKernel.Current.Name}; {depth} blocks of LLaMA-7B shapes, table of 32000 tokens in F16; prompt {given}, new {wanted} tokens");
                Console.WriteLine("form        threads  bits/weight  weights, MB  resident, MB  prompt tok/s  decode tok/s  ms/block  ms/head  tok/s of 32 blocks");
            }

            foreach (GenerationRow row in chosen.SelectMany(form => GenerationThroughput.Measure(form, depth, given, wanted, counts, SharedOptions.Precision(parsed.GetValue(exact)))))
            {
                if (asJson) all.Add((JsonNode)ToJson(row));
                else Console.WriteLine(ToText(row));
            }

            if (asJson) JsonOutput.Write(new JsonObject { ["kernel"] = DenseKernel.Current.Name, ["rows"] = all });
            return Failure.None;
        }));
        return command;
    }

    private static string ToText(GenerationRow row) => FormattableString.Invariant(
        $"{row.Form,-10}  {row.Threads,7}  {row.BitsPerWeight,11:F3}  {row.WeightBytes / 1e6,11:F1}  {row.ResidentBytes / 1e6,12:F0}  {row.PromptTokensPerSecond,12:F1}  {row.DecodeTokensPerSecond,12:F1}  {1000 * row.BlockSeconds,8:F2}  {1000 * row.HeadSeconds,7:F1}  {row.WholeTokensPerSecond,18:F1}");

    private static JsonObject ToJson(GenerationRow row) => new()
    {
        ["form"] = row.Form,
        ["blocks"] = row.Blocks,
        ["threads"] = row.Threads,
        ["bitsPerWeight"] = row.BitsPerWeight,
        ["weightBytes"] = row.WeightBytes,
        ["residentBytes"] = row.ResidentBytes,
        ["promptTokensPerSecond"] = row.PromptTokensPerSecond,
        ["decodeTokensPerSecond"] = row.DecodeTokensPerSecond,
        ["blockSeconds"] = row.BlockSeconds,
        ["headSeconds"] = row.HeadSeconds,
        ["wholeTokensPerSecond"] = row.WholeTokensPerSecond,
    };
}
