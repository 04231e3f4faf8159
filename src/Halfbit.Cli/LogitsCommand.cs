using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Evaluation;
using Halfbit.Pipeline;
using Halfbit.Quantization;

namespace Halfbit.Cli;

/// <summary>halfbit logits: logits of one sequence, for checking an engine against another.</summary>
internal static class LogitsCommand
{
    public static Command Create()
    {
        Argument<string> model = SharedOptions.Model();
        var tokens = new Option<string>("--tokens") { Description = "Token ids, separated by commas", HelpName = "1,2,3", Required = true };
        var positions = new Option<string>("--positions") { Description = "Positions whose logits are printed in full", HelpName = "0,63", DefaultValueFactory = _ => string.Empty };
        var top = new Option<int>("--top") { Description = "Largest logits to list at each position", HelpName = "N", DefaultValueFactory = _ => 5 };
        Option<bool> exact = SharedOptions.Exact();
        Option<int?> threads = SharedOptions.Threads();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("logits", SharedOptions.WithExample(
            "Prints the logits of one sequence",
            "halfbit logits samples/llama-13m --tokens 1,365,717 --top 3"))
        {
            model, tokens, positions, top, exact, threads, json,
        };
        command.SetAction(parsed => Failure.Guard(() =>
        {
            SharedOptions.ApplyThreads(parsed.GetValue(threads));
            int[] ids = TextInput.Numbers("--tokens", parsed.GetValue(tokens)!);
            if (ids.Length == 0) throw new OptionException("--tokens is empty, expected at least one token id");
            int[] full = TextInput.Numbers("--positions", parsed.GetValue(positions)!);
            if (full.Any(p => p >= ids.Length)) throw new OptionException($"--positions names {full.Max()}, the sequence has positions 0 to {ids.Length - 1}");
            using ModelFolder folder = ModelFolder.Open(parsed.GetValue(model)!, SharedOptions.Precision(parsed.GetValue(exact)));
            IReadOnlyList<PositionLogits> result = LogitsProbe.Measure(folder.Decoder, ids, SharedOptions.AtLeast("--top", parsed.GetValue(top), 0), full);
            if (parsed.GetValue(json)) JsonOutput.Write(new JsonObject { ["positions"] = JsonOutput.Array(result.Select(ToJson)) });
            else Print(result);
            return Failure.None;
        }));
        return command;
    }

    private static JsonObject ToJson(PositionLogits position)
    {
        var json = new JsonObject
        {
            ["position"] = position.Position,
            ["logSumExp"] = position.LogSumExp,
            ["top"] = JsonOutput.Array(position.Top.Select(t => new JsonObject { ["id"] = t.Id, ["logit"] = t.Logit })),
        };
        if (position.Logits is not null) json["logits"] = JsonOutput.Array(position.Logits.Select(l => (JsonNode?)l));
        return json;
    }

    private static void Print(IReadOnlyList<PositionLogits> positions)
    {
        foreach (PositionLogits position in positions)
        {
            Console.WriteLine(FormattableString.Invariant($"{position.Position}: logSumExp {position.LogSumExp:F6}")
                + string.Concat(position.Top.Select(t => FormattableString.Invariant($"  {t.Id}: {t.Logit:F6}"))));
            if (position.Logits is not null) Console.WriteLine("   " + string.Join(' ', position.Logits.Select(l => l.ToString("G9", System.Globalization.CultureInfo.InvariantCulture))));
        }
    }
}
