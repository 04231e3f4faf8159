namespace Halfbit.Tokenization;

/// <summary>Reads the member <c>pre_tokenizer</c> of tokenizer.json.</summary>
internal static class PretokenizerJson
{
    /// <summary>Reads a pre-tokenizer.</summary>
    /// <param name="field">The member; null for none.</param>
    /// <param name="isByteLevel">Whether the last step is ByteLevel, so that tokens are written in the byte alphabet.</param>
    public static Pretokenizer? Read(JsonField? field, out bool isByteLevel)
    {
        isByteLevel = false;
        if (field is not JsonField whole) return null;
        var steps = new List<Pretokenizer>();
        foreach (JsonField step in StepsOf(whole))
        {
            if (isByteLevel) throw step.Required("type").Unsupported("ByteLevel as the last step");
            isByteLevel = step.Type() == "ByteLevel";
            steps.AddRange(ReadStep(step));
        }

        return steps.Count == 1 ? steps[0] : new PretokenizerSequence(steps);
    }

    private static IEnumerable<JsonField> StepsOf(JsonField field)
        => field.Type() == "Sequence" ? field.Required("pretokenizers").Items().SelectMany(StepsOf) : [field];

    private static IEnumerable<Pretokenizer> ReadStep(JsonField step)
    {
        switch (step.Type())
        {
            case "ByteLevel":
                if (step.Flag("add_prefix_space", true)) yield return new PrefixSpacePretokenizer();
                if (step.Flag("use_regex", true)) yield return new SplitPretokenizer(WordPattern.Gpt2, SplitBehavior.Isolated, inverts: false);
                break;
            case "Split":
                yield return new SplitPretokenizer(NormalizerJson.ReadPattern(step.Required("pattern")), ReadBehavior(step.Required("behavior")), step.Flag("invert", false));
                break;
            case "Metaspace":
                yield return new MetaspacePretokenizer(Utf8.Of(ReadMark(step)), ReadScheme(step), step.Flag("split", true));
                break;
            case "Digits":
                yield return new SplitPretokenizer(new CharacterPattern(CharacterClass.Number), step.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous, inverts: false);
                break;
            case "Punctuation":
                yield return new SplitPretokenizer(new CharacterPattern(CharacterClass.Punctuation), step.Find("behavior") is JsonField behavior ? ReadBehavior(behavior) : SplitBehavior.Isolated, inverts: false);
                break;
            case "Whitespace":
                yield return new SplitPretokenizer(new WordOrSymbolPattern(), SplitBehavior.Removed, inverts: true);
                break;
            case "WhitespaceSplit":
                yield return new SplitPretokenizer(new CharacterPattern(CharacterClass.Space), SplitBehavior.Removed, inverts: false);
                break;
            default:
                throw step.Required("type").Unsupported("Sequence, ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit");
        }
    }

    /// <summary>The character of a Metaspace pre-tokenizer or decoder, usually ▁.</summary>
    public static string ReadMark(JsonField metaspace)
    {
        string mark = metaspace.Find("replacement")?.Text() ?? "▁";
        return mark.Length > 0 ? mark : throw Fault.Field(metaspace.File, metaspace.Path + ".replacement", "an empty string", "a character");
    }

    /// <summary>When Metaspace puts its mark before a piece; older files say it with add_prefix_space.</summary>
    public static PrependScheme ReadScheme(JsonField metaspace)
    {
        if (metaspace.Find("prepend_scheme") is not JsonField scheme) return metaspace.Flag("add_prefix_space", true) ? PrependScheme.Always : PrependScheme.Never;
        return scheme.Text() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw scheme.Unsupported("always, first, never"),
        };
    }

    private static SplitBehavior ReadBehavior(JsonField behavior) => behavior.Text() switch
    {
        "Isolated" => SplitBehavior.Isolated,
        "Removed" => SplitBehavior.Removed,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        _ => throw behavior.Unsupported("Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous"),
    };
}
