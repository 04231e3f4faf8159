namespace Halfbit.Tokenization;

/// <summary>Finds the tokenizer of a model folder and reads it in its format.</summary>
internal static class TokenizerFolder
{
    public static TokenizerParts Read(string folder)
    {
        if (!Directory.Exists(folder)) throw Fault.NoFolder(folder);
        folder = Path.GetFullPath(folder);
        TokenizerSettings settings = TokenizerSettings.Read(folder);

        string json = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(json)) return TokenizerJson.Read(json, settings);

        string sentencePiece = Path.Combine(folder, "tokenizer.model");
        if (File.Exists(sentencePiece)) return SentencePieceReader.Read(sentencePiece, settings);

        string vocabulary = Path.Combine(folder, "vocab.json");
        string merges = Path.Combine(folder, "merges.txt");
        if (File.Exists(vocabulary) || File.Exists(merges)) return VocabularyAndMerges.Read(vocabulary, merges, settings);

        throw Fault.NoTokenizer(folder);
    }
}
