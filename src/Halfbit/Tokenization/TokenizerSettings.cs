using System.Text.Json;

namespace Halfbit.Tokenization;

/// <summary>What stands beside a vocabulary: tokenizer_config.json, special_tokens_map.json, added_tokens.json, and the ids in config.json.</summary>
internal sealed record TokenizerSettings
{
    private static readonly string[] roles = ["bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token", "mask_token"];

    public string? BosToken { get; init; }

    public string? EosToken { get; init; }

    public string? UnknownToken { get; init; }

    /// <summary>bos_token_id of config.json, used when no file names the token.</summary>
    public int? BosId { get; init; }

    /// <summary>eos_token_id of config.json (the first, where it is a list), used when no file names the token.</summary>
    public int? EosId { get; init; }

    /// <summary>add_bos_token; null when the files do not say.</summary>
    public bool? AddsBos { get; init; }

    /// <summary>add_eos_token; null when the files do not say.</summary>
    public bool? AddsEos { get; init; }

    public bool AddsPrefixSpace { get; init; }

    /// <summary>Whether every text after an added token gets the dummy prefix again, as in transformers before 4.31.</summary>
    public bool IsLegacy { get; init; } = true;

    /// <summary>The name of the Python class; empty when the files do not say.</summary>
    public string TokenizerClass { get; init; } = "";

    /// <summary>Tokens that fill a role, such as BOS.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    /// <summary>Tokens added to the vocabulary, for formats that cannot hold them.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    public static TokenizerSettings Read(string folder)
    {
        JsonField? configuration = ReadIfPresent(folder, "tokenizer_config.json");
        JsonField? map = ReadIfPresent(folder, "special_tokens_map.json");
        JsonField? model = ReadIfPresent(folder, "config.json");

        var byRole = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonField source in new[] { configuration, map }.OfType<JsonField>())
        {
            foreach (string role in roles)
            {
                if (TokenOf(source.Find(role)) is string token) byRole.TryAdd(role, token);
            }
        }

        return new TokenizerSettings
        {
            BosToken = byRole.GetValueOrDefault("bos_token"),
            EosToken = byRole.GetValueOrDefault("eos_token"),
            UnknownToken = byRole.GetValueOrDefault("unk_token"),
            BosId = FirstId(model?.Find("bos_token_id")),
            EosId = FirstId(model?.Find("eos_token_id")),
            AddsBos = configuration?.Find("add_bos_token")?.Flag(),
            AddsEos = configuration?.Find("add_eos_token")?.Flag(),
            AddsPrefixSpace = configuration?.Flag("add_prefix_space", false) ?? false,
            IsLegacy = configuration?.Flag("legacy", true) ?? true,
            TokenizerClass = configuration?.Find("tokenizer_class")?.Text() ?? "",
            SpecialTokens = [.. byRole.Values.Distinct()],
            AddedTokens = [.. ReadAddedTokens(configuration, ReadIfPresent(folder, "added_tokens.json"))],
        };
    }

    /// <summary>The id of BOS: by its name, else as config.json has it, if the vocabulary has such a token.</summary>
    public int? FindBos(Vocabulary vocabulary) => vocabulary.Find(BosToken) ?? Within(vocabulary, BosId);

    /// <summary>The id of EOS: by its name, else as config.json has it, if the vocabulary has such a token.</summary>
    public int? FindEos(Vocabulary vocabulary) => vocabulary.Find(EosToken) ?? Within(vocabulary, EosId);

    private static int? Within(Vocabulary vocabulary, int? id) => id is int value && value >= 0 && value < vocabulary.Size ? value : null;

    private static JsonField? ReadIfPresent(string folder, string name)
    {
        string file = Path.Combine(folder, name);
        return File.Exists(file) ? JsonField.Read(file) : null;
    }

    /// <summary>A token is written as its text, or as an object with <c>content</c>.</summary>
    private static string? TokenOf(JsonField? field)
        => field is not JsonField token ? null : token.Element.ValueKind == JsonValueKind.Object ? token.Required("content").Text() : token.Text();

    private static int? FirstId(JsonField? field)
        => field is not JsonField id ? null
            : id.Element.ValueKind != JsonValueKind.Array ? id.Integer()
            : id.Items().Select(item => (int?)item.Integer()).FirstOrDefault();

    private static IEnumerable<AddedToken> ReadAddedTokens(JsonField? configuration, JsonField? older)
    {
        var seen = new HashSet<int>();
        if (configuration?.Find("added_tokens_decoder") is JsonField byId)
        {
            foreach ((string name, JsonField token) in byId.Members())
            {
                if (!int.TryParse(name, System.Globalization.CultureInfo.InvariantCulture, out int id))
                    throw Fault.Field(byId.File, token.Path, $"named '{name}'", "a token id as its name");
                seen.Add(id);
                yield return TokenizerJson.ReadAddedToken(token, id);
            }
        }

        if (older is not JsonField contents) yield break;
        foreach ((string name, JsonField id) in contents.Members())
        {
            if (seen.Add(id.Integer())) yield return new AddedToken(id.Integer(), name) { IsNormalized = true };
        }
    }
}
