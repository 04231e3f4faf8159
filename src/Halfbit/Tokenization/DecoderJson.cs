namespace Halfbit.Tokenization;

/// <summary>Reads the member <c>decoder</c> of tokenizer.json as rules for single tokens and for the start of a text.</summary>
internal static class DecoderJson
{
    private const string Supported = "Sequence, Replace, ByteFallback, Fuse, Strip, ByteLevel, Metaspace; after Fuse only Strip at the start";

    public static DecodingRules Read(JsonField? field)
    {
        if (field is not JsonField decoder) return new DecodingRules { JoinsWithSpace = true };
        var rules = new DecodingRules();
        bool isFused = false;
        foreach (JsonField step in StepsOf(decoder))
        {
            JsonField type = step.Required("type");
            switch (type.Text())
            {
                case "Fuse":
                    isFused = true;
                    break;
                case "Strip" when isFused && rules.StripAtStart == 0:
                    rules = WithStrip(rules, step);
                    break;
                case "Replace" when !isFused && !rules.HasByteTokens && !rules.UsesByteAlphabet:
                    rules = rules with { Replacements = [.. rules.Replacements, ReadReplacement(step)] };
                    break;
                case "ByteFallback" when !isFused:
                    rules = rules with { HasByteTokens = true };
                    break;
                case "ByteLevel" when !isFused && !rules.UsesByteAlphabet:
                    rules = rules with { UsesByteAlphabet = true };
                    break;
                case "Metaspace" when !isFused && !rules.HasByteTokens && !rules.UsesByteAlphabet:
                    string mark = PretokenizerJson.ReadMark(step);
                    bool isNever = PretokenizerJson.ReadScheme(step) == PrependScheme.Never;
                    rules = rules with { Replacements = [.. rules.Replacements, (mark, " ")], MarkLostByFirst = isNever ? null : mark };
                    break;
                default:
                    throw type.Unsupported(Supported);
            }
        }

        return rules;
    }

    private static IEnumerable<JsonField> StepsOf(JsonField field)
        => field.Type() == "Sequence" ? field.Required("decoders").Items().SelectMany(StepsOf) : [field];

    private static DecodingRules WithStrip(DecodingRules rules, JsonField strip)
    {
        JsonField content = strip.Required("content");
        if (content.Text() is not [< '\x80'] text) throw content.Unsupported("one ASCII character");
        if (strip.Find("stop") is JsonField stop && stop.Integer() != 0) throw stop.Unsupported("0");
        return rules with { StripAtStart = strip.Required("start").Integer(), Stripped = (byte)text[0] };
    }

    private static (string Old, string New) ReadReplacement(JsonField replace)
    {
        JsonField pattern = replace.Required("pattern");
        JsonField old = pattern.Find("String") ?? throw pattern.Unsupported("a pattern of kind String");
        if (old.Text().Length == 0) throw Fault.Field(old.File, old.Path, "an empty string", "something to search for");
        return (old.Text(), replace.Required("content").Text());
    }
}
