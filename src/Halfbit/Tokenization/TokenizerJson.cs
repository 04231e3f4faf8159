using System.Text.Json;

namespace Halfbit.Tokenization;

/// <summary>Reads tokenizer.json, the format of the Hugging Face tokenizers library.</summary>
/// <remarks>
/// The members <c>truncation</c> and <c>padding</c> are not read. For classes whose Python code rebuilds the post-processor from
/// add_bos_token and add_eos_token (LlamaTokenizer and its relatives), these two flags win over the file, as they do there.
/// </remarks>
internal static class TokenizerJson
{
    private static readonly string[] rebuildingClasses = ["LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer"];

    public static TokenizerParts Read(string file, TokenizerSettings settings)
    {
        JsonField root = JsonField.Read(file);
        JsonField model = root.Required("model");
        if (model.Find("type") is JsonField type && type.Text() != "BPE") throw type.Unsupported("BPE");

        Pretokenizer? pretokenizer = PretokenizerJson.Read(root.Find("pre_tokenizer"), out bool isByteLevel);
        var vocabulary = new Vocabulary(file);
        BytePairEncoding encoding = ReadModel(model, isByteLevel, vocabulary);

        AddedToken[] added = [.. (root.Find("added_tokens")?.Items() ?? []).Select(token => ReadAddedToken(token, token.Required("id").Integer()))];
        foreach (AddedToken token in added) vocabulary.Add(token.Content, token.Id);

        int? bos = settings.FindBos(vocabulary);
        int? eos = settings.FindEos(vocabulary);
        return new TokenizerParts
        {
            SourceFile = file,
            Vocabulary = vocabulary,
            AddedTokens = added,
            Normalizer = NormalizerJson.Read(root.Find("normalizer")),
            NormalizesAddedTokens = true,
            Pretokenizer = pretokenizer,
            Encoding = encoding,
            Frame = ReadFrame(root.Find("post_processor"), settings, bos, eos),
            Decoding = DecoderJson.Read(root.Find("decoder")),
            BosId = bos,
            EosId = eos,
        };
    }

    /// <summary>Reads an added token; the same members are used by tokenizer_config.json.</summary>
    public static AddedToken ReadAddedToken(JsonField token, int id)
    {
        bool isSpecial = token.Flag("special", false);
        return new AddedToken(id, token.Required("content").Text())
        {
            IsSpecial = isSpecial,
            IsNormalized = token.Flag("normalized", !isSpecial),
            TakesSpaceBefore = token.Flag("lstrip", false),
            TakesSpaceAfter = token.Flag("rstrip", false),
            IsSingleWord = token.Flag("single_word", false),
        };
    }

    private static BytePairEncoding ReadModel(JsonField model, bool isByteLevel, Vocabulary vocabulary)
    {
        foreach (string name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Find(name) is JsonField affix && affix.Text().Length > 0) throw affix.Unsupported("null or an empty string");
        }

        if (model.Find("dropout") is JsonField dropout && !(dropout.Element.ValueKind == JsonValueKind.Number && dropout.Element.GetDouble() == 0))
            throw dropout.Unsupported("null or 0");

        foreach ((string text, JsonField id) in model.Required("vocab").Members()) vocabulary.Add(text, id.Integer());
        if (vocabulary.Size == 0) throw Fault.Malformed(model.File, "the vocabulary is empty");

        var merges = new MergeReader(vocabulary, isByteLevel, model.Flag("byte_fallback", false));
        foreach (JsonField merge in model.Required("merges").Items())
        {
            string[] pair = merge.Element.ValueKind == JsonValueKind.Array ? [.. merge.Items().Select(part => part.Text())] : merge.Text().Split(' ');
            if (pair.Length != 2) throw Fault.Field(merge.File, merge.Path, $"a merge of {pair.Length} parts", "two tokens");
            merges.Add(pair[0], pair[1], merge.File, merge.Path);
        }

        int? unknown = null;
        if (model.Find("unk_token") is JsonField token)
            unknown = vocabulary.Find(token.Text()) ?? throw Fault.Field(token.File, token.Path, $"'{token.Text()}', which is not in the vocabulary", "a token of the vocabulary");
        return merges.Finish(unknown, model.Flag("fuse_unk", false), model.Flag("ignore_merges", false));
    }

    private static SequenceFrame ReadFrame(JsonField? postProcessor, TokenizerSettings settings, int? bos, int? eos)
    {
        SequenceFrame frame = postProcessor is JsonField field ? ReadFrame(field) : SequenceFrame.None;
        bool rebuilds = rebuildingClasses.Contains(settings.TokenizerClass.Replace("Fast", "", StringComparison.Ordinal));
        return rebuilds && (settings.AddsBos ?? settings.AddsEos) is not null
            ? SequenceFrame.Of(settings.AddsBos ?? true, bos, settings.AddsEos ?? false, eos)
            : frame;
    }

    private static SequenceFrame ReadFrame(JsonField postProcessor)
    {
        switch (postProcessor.Type())
        {
            case "ByteLevel": return SequenceFrame.None;
            case "BertProcessing" or "RobertaProcessing": return new SequenceFrame([IdOfPair(postProcessor.Required("cls"))], [IdOfPair(postProcessor.Required("sep"))]);
            case "TemplateProcessing": return ReadTemplate(postProcessor);
            case "Sequence":
                return postProcessor.Required("processors").Items().Aggregate(SequenceFrame.None, (inner, part) => inner.Inside(ReadFrame(part)));
            default: throw postProcessor.Required("type").Unsupported("TemplateProcessing, ByteLevel, RobertaProcessing, BertProcessing, Sequence");
        }
    }

    private static int IdOfPair(JsonField pair)
        => pair.Items().Skip(1).Select(id => (int?)id.Integer()).FirstOrDefault() ?? throw Fault.Field(pair.File, pair.Path, "incomplete", "a token and its id");

    private static SequenceFrame ReadTemplate(JsonField template)
    {
        var before = new List<int>();
        var after = new List<int>();
        int sequences = 0;
        JsonField single = template.Required("single");
        foreach (JsonField item in single.Items())
        {
            if (item.Find("Sequence") is not null) sequences++;
            else (sequences == 0 ? before : after).AddRange(IdsOf(template, item.Required("SpecialToken").Required("id")));
        }

        if (sequences != 1) throw Fault.Field(single.File, single.Path, $"a template with {sequences} sequences", "exactly one");
        return new SequenceFrame([.. before], [.. after]);
    }

    private static IEnumerable<int> IdsOf(JsonField template, JsonField name)
    {
        JsonField tokens = template.Required("special_tokens");
        JsonField token = tokens.Find(name.Text()) ?? throw Fault.Field(name.File, name.Path, $"'{name.Text()}', which special_tokens does not define", "one of its names");
        return token.Required("ids").Items().Select(id => id.Integer());
    }
}
