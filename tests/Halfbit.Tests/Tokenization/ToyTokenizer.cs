using System.Text.Json;
using System.Text.Json.Nodes;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Tokenization;

/// <summary>A tokenizer.json made in a test: byte-level or by characters, with given merges.</summary>
internal sealed record ToyTokenizer
{
    /// <summary>Tokens besides the single units and what the merges make.</summary>
    public string[] ExtraTokens { get; init; } = [];

    /// <summary>Merges in order of rank.</summary>
    public (string Left, string Right)[] Merges { get; init; } = [];

    /// <summary>Characters with a token; null for the 256 bytes.</summary>
    public string? Characters { get; init; }

    public bool MergesAsArrays { get; init; }

    public string AddedTokens { get; init; } = "[]";

    public string Normalizer { get; init; } = "null";

    public string Pretokenizer { get; init; } = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""";

    public string PostProcessor { get; init; } = "null";

    public string Decoder { get; init; } = """{"type":"ByteLevel"}""";

    /// <summary>Further members of the model, for instance <c>"fuse_unk":true</c>.</summary>
    public string ModelMembers { get; init; } = "";

    /// <summary>Content of tokenizer_config.json; null for no file.</summary>
    public string? Configuration { get; init; }

    public string[] Vocabulary()
    {
        IEnumerable<string> units = Characters is null
            ? Enumerable.Range(0, 256).Select(b => ByteAlphabet.CharacterOf((byte)b).ToString())
            : Characters.EnumerateRunes().Select(rune => rune.ToString());
        return [.. units.Concat(ExtraTokens).Concat(Merges.Select(merge => merge.Left + merge.Right)).Distinct()];
    }

    public string Json()
    {
        var vocabulary = new JsonObject();
        foreach (string token in Vocabulary()) vocabulary.Add(token, vocabulary.Count);
        string merges = string.Join(",", Merges.Select(merge => MergesAsArrays
            ? $"[{Quoted(merge.Left)},{Quoted(merge.Right)}]"
            : Quoted(merge.Left + " " + merge.Right)));
        string members = ModelMembers.Length == 0 ? "" : ModelMembers + ",";
        return $$"""
            {"version":"1.0","truncation":null,"padding":null,"added_tokens":{{AddedTokens}},"normalizer":{{Normalizer}},"pre_tokenizer":{{Pretokenizer}},
            "post_processor":{{PostProcessor}},"decoder":{{Decoder}},
            "model":{"type":"BPE",{{members}}"vocab":{{vocabulary.ToJsonString()}},"merges":[{{merges}}]}
            }
            """;
    }

    public Tokenizer Load() => Load(Json(), Configuration);

    /// <summary>Loads a tokenizer.json, with a tokenizer_config.json if there is one.</summary>
    public static Tokenizer Load(string json, string? configuration = null)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], json);
        if (configuration is not null) File.WriteAllText(folder["tokenizer_config.json"], configuration);
        return Tokenizer.Load(folder.Path);
    }

    /// <summary>Merges of random tokens, each of tokens that are there already.</summary>
    public static (string Left, string Right)[] RandomMerges(Random random, string alphabet, int count, int longest = 8)
    {
        List<string> tokens = [.. alphabet.EnumerateRunes().Select(rune => rune.ToString())];
        var merges = new List<(string, string)>();
        while (merges.Count < count)
        {
            (string left, string right) = (tokens[random.Next(tokens.Count)], tokens[random.Next(tokens.Count)]);
            if (left.Length + right.Length > longest || merges.Contains((left, right))) continue;
            merges.Add((left, right));
            tokens.Add(left + right);
        }

        return [.. merges];
    }

    private static string Quoted(string text) => "\"" + JsonEncodedText.Encode(text) + "\"";
}
