using System.CommandLine;
using System.Text.Json.Nodes;
using Halfbit.Quantization;
using Halfbit.Tokenization;

namespace Halfbit.Cli;

/// <summary>halfbit tokenize: text to token ids and back.</summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        Argument<string> model = SharedOptions.Model();
        var texts = new Argument<string[]>("TEXT") { Description = "Texts to encode", Arity = ArgumentArity.ZeroOrMore };
        var file = new Option<string?>("--file") { Description = "Encode this file (UTF-8)", HelpName = "F" };
        var lines = new Option<bool>("--lines") { Description = "Each line of the file is a text of its own" };
        var noSpecial = new Option<bool>("--no-special") { Description = "Leave out the special tokens that the checkpoint's tokenizer adds" };
        var parseSpecial = new Option<bool>("--parse-special") { Description = "Read strings such as </s> as special tokens; otherwise they are plain text" };
        var decode = new Option<string?>("--decode") { Description = "Token ids to decode, separated by commas", HelpName = "1,2,3" };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("tokenize", SharedOptions.WithExample(
            "Prints token ids of texts, or the text of token ids",
            "halfbit tokenize samples/llama-13m \"Hello world\" --no-special"))
        {
            model, texts, file, lines, noSpecial, parseSpecial, decode, json,
        };
        command.SetAction(parsed => Failure.Guard(() =>
        {
            string[] given = parsed.GetValue(texts) ?? [];
            string? path = parsed.GetValue(file);
            string? ids = parsed.GetValue(decode);
            if ((given.Length > 0 ? 1 : 0) + (path is null ? 0 : 1) + (ids is null ? 0 : 1) != 1)
                throw new OptionException("give one of: texts, --file, --decode");
            if (parsed.GetValue(lines) && path is null) throw new OptionException("--lines needs --file");
            Tokenizer tokenizer = Load(parsed.GetValue(model)!);
            if (ids is not null)
            {
                Decode(tokenizer, TextInput.Numbers("--decode", ids), parsed.GetValue(json));
                return Failure.None;
            }

            if (path is not null) given = parsed.GetValue(lines) ? Lines(TextInput.Read(path)) : [TextInput.Read(path)];
            Encode(tokenizer, given, !parsed.GetValue(noSpecial), parsed.GetValue(parseSpecial), parsed.GetValue(json));
            return Failure.None;
        }));
        return command;
    }

    private static Tokenizer Load(string folder)
    {
        if (!Directory.Exists(folder)) throw new InputException($"{folder}: no such folder; MODEL is a folder with tokenizer.json, tokenizer.model, or vocab.json and merges.txt");
        return Tokenizer.Load(folder);
    }

    /// <summary>Lines end at a line feed; a last empty one does not count.</summary>
    private static string[] Lines(string text)
    {
        string[] parts = text.Split('\n');
        return parts[^1].Length == 0 ? parts[..^1] : parts;
    }

    private static void Encode(Tokenizer tokenizer, string[] texts, bool addSpecial, bool parseSpecial, bool asJson)
    {
        var rows = new JsonArray();
        foreach (string text in texts)
        {
            int[] ids = tokenizer.Encode(text, addSpecial, parseSpecial);
            if (asJson) rows.Add((JsonNode)new JsonObject { ["text"] = text, ["ids"] = JsonOutput.Array(ids.Select(i => (JsonNode?)i)) });
            else Console.WriteLine(string.Join(' ', ids));
        }

        if (asJson) JsonOutput.Write(rows);
    }

    private static void Decode(Tokenizer tokenizer, int[] ids, bool asJson)
    {
        string text = tokenizer.Decode(ids);
        if (asJson) JsonOutput.Write(new JsonObject { ["ids"] = JsonOutput.Array(ids.Select(i => (JsonNode?)i)), ["text"] = text });
        else Console.WriteLine(text);
    }
}
