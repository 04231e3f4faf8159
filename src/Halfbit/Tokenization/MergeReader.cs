using System.Text;

namespace Halfbit.Tokenization;

/// <summary>Builds a byte-pair encoding from a vocabulary and a list of merges, in the way of Hugging Face: the rank of a merge is its place in the list.</summary>
internal sealed class MergeReader
{
    private readonly Vocabulary vocabulary;
    private readonly bool isByteLevel;
    private readonly bool hasByteTokens;
    private readonly PairTable merges = new();
    private readonly JoinablePairs joinable = new();
    private int rank;

    /// <param name="vocabulary">The model's tokens.</param>
    /// <param name="isByteLevel">Whether tokens are written in the byte alphabet and units are bytes.</param>
    /// <param name="hasByteTokens">Whether characters without a token are written as <c>&lt;0xHH&gt;</c> tokens.</param>
    public MergeReader(Vocabulary vocabulary, bool isByteLevel, bool hasByteTokens)
    {
        this.vocabulary = vocabulary;
        this.isByteLevel = isByteLevel;
        this.hasByteTokens = hasByteTokens;
    }

    /// <summary>Adds the next merge.</summary>
    /// <param name="left">Text of the left token.</param>
    /// <param name="right">Text of the right token.</param>
    /// <param name="file">Where the merge stands, for errors.</param>
    /// <param name="place">Where in the file.</param>
    public void Add(string left, string right, string file, string place)
    {
        if (left.Length == 0 || right.Length == 0) throw Fault.Field(file, place, $"'{left} {right}'", "two tokens that are not empty");
        int leftId = IdOf(left, file, place);
        int rightId = IdOf(right, file, place);
        int joinedId = IdOf(left + right, file, place);
        if (hasByteTokens && (DecodingRules.TryGetByte(left, out _) || DecodingRules.TryGetByte(right, out _)))
            throw Fault.Unsupported(file, place, $"'{left} {right}', a merge of byte tokens", "merges of characters");
        merges.Set(leftId, rightId, rank++, joinedId);
        joinable.Add(LastUnit(left), FirstUnit(right));
    }

    /// <summary>Ends the list.</summary>
    /// <param name="unknownId">The unknown token; null for none.</param>
    /// <param name="fusesUnknown">Whether a run of unknown characters is one token.</param>
    /// <param name="looksUpWholeWords">Whether a word that is a token is not split at all.</param>
    public BytePairEncoding Finish(int? unknownId, bool fusesUnknown, bool looksUpWholeWords)
    {
        var symbols = new SymbolTable(isByteLevel, vocabulary.Size, hasByteTokens ? ByteTokens() : null);
        ByteStringMap? wholeWords = looksUpWholeWords ? new ByteStringMap() : null;
        if (isByteLevel)
        {
            for (int b = 0; b < 256; b++)
            {
                if (vocabulary.Find(ByteAlphabet.CharacterOf((byte)b).ToString()) is int id) symbols.Set(b, id);
            }
        }

        for (int id = 0; id < vocabulary.Size; id++)
        {
            if (vocabulary[id] is not { Length: > 0 } text) continue;
            if (!isByteLevel && Rune.DecodeFromUtf16(text, out Rune unit, out int length) == System.Buffers.OperationStatus.Done && length == text.Length)
                symbols.Set(unit.Value, id);
            if (wholeWords is null) continue;
            byte[] bytes = BytesOf(text, out bool isExact);
            if (isExact && !wholeWords.TryGet(bytes, out _)) wholeWords.Add(bytes, id);
        }

        return new BytePairEncoding(symbols, merges, joinable, unknownId, fusesUnknown, wholeWords);
    }

    private byte[] BytesOf(string text, out bool isExact)
    {
        isExact = true;
        if (!isByteLevel) return Utf8.Of(text);
        isExact = ByteAlphabet.TryGetBytes(text, out byte[] bytes);
        return bytes;
    }

    private int LastUnit(string text)
    {
        if (isByteLevel && ByteAlphabet.ByteOf(text[^1]) is >= 0 and int value) return value;
        _ = Rune.DecodeLastFromUtf16(text, out Rune last, out _);
        return last.Value;
    }

    private int FirstUnit(string text)
    {
        if (isByteLevel && ByteAlphabet.ByteOf(text[0]) is >= 0 and int value) return value;
        _ = Rune.DecodeFromUtf16(text, out Rune first, out _);
        return first.Value;
    }

    private int[] ByteTokens()
    {
        var result = new int[256];
        for (int b = 0; b < 256; b++) result[b] = vocabulary.Find(DecodingRules.TokenOfByte(b)) ?? -1;
        return result;
    }

    private int IdOf(string token, string file, string place)
        => vocabulary.TryGetId(token, out int id) ? id : throw Fault.Field(file, place, $"a merge that needs the token '{token}', which is not in the vocabulary", "tokens of the vocabulary");
}
