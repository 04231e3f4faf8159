using System.Text.Json;

namespace Halfbit.Tokenization;

/// <summary>Reads the member <c>normalizer</c> of tokenizer.json, and the patterns that it shares with pre-tokenizers.</summary>
internal static class NormalizerJson
{
    public static Normalizer? Read(JsonField? field)
    {
        if (field is not JsonField normalizer) return null;
        return normalizer.Type() switch
        {
            "Sequence" => new NormalizerSequence([.. normalizer.Required("normalizers").Items().Select(part => Read(part)!)]),
            "Prepend" => new PrependNormalizer(Utf8.Of(normalizer.Required("prepend").Text())),
            "Replace" => new ReplaceNormalizer(ReadPattern(normalizer.Required("pattern")), Utf8.Of(normalizer.Required("content").Text())),
            "NFC" => new UnicodeNormalizer(composes: true, isCompatible: false),
            "NFD" => new UnicodeNormalizer(composes: false, isCompatible: false),
            "NFKC" => new UnicodeNormalizer(composes: true, isCompatible: true),
            "NFKD" => new UnicodeNormalizer(composes: false, isCompatible: true),
            "Lowercase" => new LowercaseNormalizer(),
            "Strip" => new StripNormalizer(normalizer.Flag("strip_left", true), normalizer.Flag("strip_right", true)),
            "StripAccents" => new StripAccentsNormalizer(),
            _ => throw normalizer.Required("type").Unsupported("Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents"),
        };
    }

    /// <summary>Reads <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
    public static TextPattern ReadPattern(JsonField pattern)
    {
        if (pattern.Element.ValueKind == JsonValueKind.String) return Literal(pattern);
        if (pattern.Find("String") is JsonField literal) return Literal(literal);
        JsonField regex = pattern.Required("Regex");
        string expression = regex.Text();
        if (WordPattern.Known.TryGetValue(expression, out WordPattern? known)) return known;
        try
        {
            return new RegexPattern(expression);
        }
        catch (ArgumentException)
        {
            throw regex.Unsupported("expressions that .NET understands too");
        }
    }

    private static LiteralPattern Literal(JsonField literal)
        => literal.Text().Length > 0 ? new LiteralPattern(Utf8.Of(literal.Text())) : throw Fault.Field(literal.File, literal.Path, "an empty string", "something to search for");
}
