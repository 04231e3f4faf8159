using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Halfbit.Generation;
using Halfbit.Models;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Tokenization;

namespace Halfbit.Cli;

/// <summary>halfbit generate: continues a prompt.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        Argument<string> model = SharedOptions.Model();
        var prompt = new Argument<string>("PROMPT") { Description = "Text to continue" };
        var count = new Option<int>("-n", "--max-tokens") { Description = "New tokens at most", HelpName = "N", DefaultValueFactory = _ => 128 };
        var temperature = new Option<double>("--temperature") { Description = "0 is greedy; 1 is the model's own distribution", HelpName = "T", DefaultValueFactory = _ => 0 };
        var topK = new Option<int>("--top-k") { Description = "Sample from the K most likely tokens only (0: all)", HelpName = "K", DefaultValueFactory = _ => 0 };
        var topP = new Option<double>("--top-p") { Description = "Sample from the smallest set of tokens with this share of probability", HelpName = "P", DefaultValueFactory = _ => 1 };
        Option<long> seed = SharedOptions.Seed();
        var ids = new Option<bool>("--ids") { Description = "Print token ids instead of text" };
        var ignoreEos = new Option<bool>("--ignore-eos") { Description = "Go on after the model's end-of-text token" };
        var cache = new Option<int>("--cache-bits") { Description = "Bits of a number in the cache of keys and values: 32, or 8 for a quarter of its memory", HelpName = "B", DefaultValueFactory = _ => 32 };
        Option<bool> exact = SharedOptions.Exact();
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("generate", SharedOptions.WithExample(
            "Continues a prompt, streaming the text to standard output",
            "halfbit generate samples/llama-13m \"The old man looked at her\" -n 32"))
        {
            model, prompt, count, temperature, topK, topP, seed, ids, ignoreEos, cache, exact, threads, json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            var sampling = new SamplingOptions { Temperature = parsed.GetValue(temperature), TopK = parsed.GetValue(topK), TopP = parsed.GetValue(topP) };
            try
            {
                sampling.Validate();
            }
            catch (ArgumentException exception)
            {
                throw new OptionException(Failure.MessageOf(exception), exception);
            }

            using ModelFolder folder = ModelFolder.Open(parsed.GetValue(model)!, SharedOptions.Precision(parsed.GetValue(exact)));
            var options = new GenerationOptions
            {
                MaxNewTokens = SharedOptions.AtLeast("-n", parsed.GetValue(count), 1),
                Sampling = sampling,
                Seed = SharedOptions.AtLeast("--seed", parsed.GetValue(seed), 0),
                Cache = parsed.GetValue(cache) switch
                {
                    32 => CachePrecision.Full,
                    8 => CachePrecision.EightBits,
                    int bits => throw new OptionException($"--cache-bits is {bits}, expected 32 or 8"),
                },
                StopTokens = parsed.GetValue(ignoreEos) ? [] : StopTokens(folder),
            };
            Run(folder, parsed.GetValue(prompt)!, options, parsed.GetValue(ids), parsed.GetValue(json), cancellation);
            return Failure.None;
        })));
        return command;
    }

    /// <summary>The end-of-text ids of config.json and of the tokenizer.</summary>
    private static int[] StopTokens(ModelFolder folder)
    {
        IEnumerable<int> ids = folder.Decoder.Config.EosTokenIds;
        if (Tokenizer.Load(folder.Checkpoint.Folder).EosId is int eos) ids = ids.Append(eos);
        return [.. ids.Distinct()];
    }

    private static void Run(ModelFolder folder, string prompt, GenerationOptions options, bool printIds, bool asJson, CancellationToken cancellation)
    {
        Tokenizer tokenizer = Tokenizer.Load(folder.Checkpoint.Folder);
        int[] promptIds = tokenizer.Encode(prompt);
        if (promptIds.Length == 0) throw new InputException("the prompt is empty and this tokenizer adds no begin-of-text token; give a prompt");
        var stream = new TokenStreamDecoder(tokenizer, isContinuation: true);
        var text = new StringBuilder();
        GenerationResult result = new Generator(folder.Decoder).Generate(promptIds, options, id =>
        {
            string piece = stream.Append(id);
            text.Append(piece);
            if (asJson) return;
            Console.Out.Write(printIds ? FormattableString.Invariant($"{id} ") : piece);
            Console.Out.Flush();
        }, cancellation);
        string rest = stream.Finish();
        text.Append(rest);
        double promptSpeed = promptIds.Length / Math.Max(result.PromptTime.TotalSeconds, 1e-9);
        double speed = result.DecodePasses / Math.Max(result.DecodeTime.TotalSeconds, 1e-9);
        if (!asJson)
        {
            Console.Out.WriteLine(printIds ? string.Empty : rest);
            Console.Error.WriteLine(FormattableString.Invariant($"{promptIds.Length} prompt tokens at {promptSpeed:F1} tokens/s, {result.Ids.Count} new tokens at {speed:F1} tokens/s, {Describe(result.End)}"));
            return;
        }

        JsonOutput.Write(new JsonObject
        {
            ["prompt"] = prompt,
            ["promptIds"] = JsonOutput.Array(promptIds.Select(i => (JsonNode?)i)),
            ["ids"] = JsonOutput.Array(result.Ids.Select(i => (JsonNode?)i)),
            ["text"] = text.ToString(),
            ["end"] = Describe(result.End),
            ["promptTokensPerSecond"] = promptSpeed,
            ["tokensPerSecond"] = speed,
        });
    }

    private static string Describe(GenerationEnd end) => end switch
    {
        GenerationEnd.Stopped => "end of text",
        GenerationEnd.ContextFull => "context full",
        _ => "maximum reached",
    };
}
