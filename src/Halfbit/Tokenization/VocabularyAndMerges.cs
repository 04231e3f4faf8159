namespace Halfbit.Tokenization;

/// <summary>Reads vocab.json with merges.txt, the form of GPT-2 and OPT: byte-level, split as in GPT-2.</summary>
internal static class VocabularyAndMerges
{
    public static TokenizerParts Read(string vocabularyFile, string mergesFile, TokenizerSettings settings)
    {
        if (!File.Exists(vocabularyFile)) throw Fault.MissingFile(vocabularyFile, "but merges.txt needs it");
        if (!File.Exists(mergesFile)) throw Fault.MissingFile(mergesFile, "but vocab.json needs it");

        var vocabulary = new Vocabulary(vocabularyFile);
        foreach ((string text, JsonField id) in JsonField.Read(vocabularyFile).Members()) vocabulary.Add(text, id.Integer());
        if (vocabulary.Size == 0) throw Fault.Malformed(vocabularyFile, "the vocabulary is empty");

        var merges = new MergeReader(vocabulary, isByteLevel: true, hasByteTokens: false);
        ReadMerges(mergesFile, merges);

        var added = new Dictionary<int, AddedToken>();
        foreach (AddedToken token in settings.AddedTokens) added[token.Id] = token;
        foreach (string special in settings.SpecialTokens)
        {
            if (vocabulary.Find(special) is int id) added.TryAdd(id, new AddedToken(id, special) { IsSpecial = true });
        }

        // The symbols end where the model's own vocabulary ends, so the added tokens come in after them.
        BytePairEncoding encoding = merges.Finish(vocabulary.Find(settings.UnknownToken), fusesUnknown: false, looksUpWholeWords: false);
        foreach (AddedToken token in added.Values) vocabulary.AddOrRename(token.Content, token.Id);

        int? bos = settings.FindBos(vocabulary);
        int? eos = settings.FindEos(vocabulary);
        var split = new SplitPretokenizer(WordPattern.Gpt2, SplitBehavior.Isolated, inverts: false);
        return new TokenizerParts
        {
            SourceFile = vocabularyFile,
            Vocabulary = vocabulary,
            AddedTokens = [.. added.Values],
            Pretokenizer = settings.AddsPrefixSpace ? new PretokenizerSequence([new PrefixSpacePretokenizer(), split]) : split,
            Encoding = encoding,
            Frame = SequenceFrame.Of(settings.AddsBos ?? false, bos, settings.AddsEos ?? false, eos),
            Decoding = new DecodingRules { UsesByteAlphabet = true },
            BosId = bos,
            EosId = eos,
        };
    }

    private static void ReadMerges(string file, MergeReader merges)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllText(file).Split('\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Fault.Unreadable(file, exception);
        }

        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].TrimEnd('\r');
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal)) continue;
            string place = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"line {i + 1}");
            string[] pair = line.Split(' ');
            if (pair.Length != 2) throw Fault.Field(file, place, $"'{line}'", "two tokens with one space between them");
            merges.Add(pair[0], pair[1], file, place);
        }
    }
}
