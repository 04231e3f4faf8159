using System.Text;

namespace Halfbit.Tokenization;

/// <summary>Turns text into the token ids of a checkpoint, and back.</summary>
/// <remarks>
/// Byte-pair encodings in all the forms that checkpoints use: <c>tokenizer.json</c> (byte-level and SentencePiece-like), <c>tokenizer.model</c>
/// (SentencePiece) and <c>vocab.json</c> with <c>merges.txt</c>. Text is plain text: a string that looks like a special token is
/// ordinary characters, unless asked otherwise. Truncation and padding that a file asks for are left to the caller. Safe for use by many threads.
/// </remarks>
public sealed class Tokenizer
{
    private readonly TokenizerParts parts;
    private readonly TokenDecoding decoding;
    private readonly AddedTokenMatcher rawTokens;
    private readonly AddedTokenMatcher normalizedTokens;
    private readonly bool[] isSpecial;
    private EncodingWorkspace? spare;

    internal Tokenizer(TokenizerParts parts)
    {
        this.parts = parts;
        isSpecial = new bool[parts.Vocabulary.Size];
        var isAdded = new bool[parts.Vocabulary.Size];
        foreach (AddedToken token in parts.AddedTokens)
        {
            isSpecial[token.Id] |= token.IsSpecial;
            isAdded[token.Id] = true;
        }

        decoding = new TokenDecoding(parts.Vocabulary, isAdded, parts.Decoding);
        rawTokens = new AddedTokenMatcher(parts.AddedTokens.Where(token => !token.IsNormalized).Select(token => (token, Utf8.Of(token.Content))));
        normalizedTokens = new AddedTokenMatcher(parts.AddedTokens.Where(token => token.IsNormalized).Select(token => (token, NormalizedContent(token))));
    }

    /// <summary>One more than the largest token id, added tokens included.</summary>
    /// <value>Tokens, ≥ 1. The embedding of a model may have more rows.</value>
    public int VocabularySize => parts.Vocabulary.Size;

    /// <summary>Id of the token that begins a text; null when the checkpoint names none.</summary>
    public int? BosId => parts.BosId;

    /// <summary>Id of the token that ends a text; null when the checkpoint names none.</summary>
    public int? EosId => parts.EosId;

    /// <summary>Special tokens that the checkpoint's own tokenizer puts before a text: BOS, or none.</summary>
    public IReadOnlyList<int> Prefix => parts.Frame.Before;

    /// <summary>Full path of the file that the vocabulary was read from.</summary>
    public string SourceFile => parts.SourceFile;

    /// <summary>Reads the tokenizer of a model folder.</summary>
    /// <param name="modelFolder">Folder in Hugging Face layout. Of tokenizer.json, tokenizer.model, vocab.json with merges.txt the first that exists is read.</param>
    /// <exception cref="TokenizerException">The folder has no tokenizer, or its files are malformed or of an unsupported kind.</exception>
    public static Tokenizer Load(string modelFolder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(modelFolder);
        return new Tokenizer(TokenizerFolder.Read(modelFolder));
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">UTF-16; lone surrogates count as U+FFFD.</param>
    /// <param name="addSpecial">Adds the special tokens that the checkpoint's own tokenizer adds around a text, usually BOS.</param>
    /// <param name="parseSpecial">Reads strings such as <c>&lt;/s&gt;</c> as the special tokens that they name; otherwise they are plain text.</param>
    /// <returns>Token ids.</returns>
    public int[] Encode(ReadOnlySpan<char> text, bool addSpecial = true, bool parseSpecial = false)
    {
        ReadOnlyMemory<byte> utf8 = Utf8.Of(text);
        EncodingWorkspace workspace = Interlocked.Exchange(ref spare, null) ?? new EncodingWorkspace();
        var ids = new IntList((utf8.Length / 3) + 8);
        if (addSpecial) ids.Add(parts.Frame.Before);

        int done = 0;
        while (done < utf8.Length)
        {
            AddedToken? token = rawTokens.Next(utf8.Span, done, parseSpecial, out int start, out int end);
            if (start > done) EncodeRaw(utf8[done..start], done == 0, parseSpecial, workspace, ids);
            if (token is not null) ids.Add(token.Id);
            done = end;
        }

        if (addSpecial) ids.Add(parts.Frame.After);
        workspace.Trim();
        spare = workspace;
        return ids.Span.ToArray();
    }

    /// <summary>Decodes ids to text.</summary>
    /// <param name="ids">Token ids; ids that the vocabulary skips have no text.</param>
    /// <param name="skipSpecial">Leaves special tokens out.</param>
    /// <returns>Text; bytes that are not well-formed UTF-8 become U+FFFD.</returns>
    /// <exception cref="TokenizerException">An id is negative or not below <see cref="VocabularySize"/>.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial = true)
    {
        var bytes = new ByteList(4 * ids.Length);
        TokenDecoding.State state = BeginDecoding(isContinuation: false);
        foreach (int id in ids) AppendBytes(id, skipSpecial, ref state, bytes);
        return Encoding.UTF8.GetString(bytes.Span);
    }

    /// <summary>The token as the file writes it, for instance <c>▁the</c>, <c>Ġthe</c> or <c>&lt;0x0A&gt;</c>.</summary>
    /// <returns>Empty for an id that the vocabulary skips.</returns>
    /// <exception cref="TokenizerException">The id is negative or not below <see cref="VocabularySize"/>.</exception>
    public string TokenText(int id) => parts.Vocabulary[Checked(id)] ?? "";

    /// <summary>Whether a token is a control token, which is left out of decoded text.</summary>
    /// <exception cref="TokenizerException">The id is negative or not below <see cref="VocabularySize"/>.</exception>
    public bool IsSpecial(int id) => isSpecial[Checked(id)];

    /// <summary>The id of a token by its text in the file, special and added tokens included; null when there is none.</summary>
    public int? FindToken(string tokenText)
    {
        ArgumentNullException.ThrowIfNull(tokenText);
        return parts.Vocabulary.Find(tokenText);
    }

    internal TokenDecoding.State BeginDecoding(bool isContinuation) => decoding.Begin(isContinuation);

    internal void AppendBytes(int id, bool skipSpecial, ref TokenDecoding.State state, ByteList destination)
    {
        if (skipSpecial && isSpecial[Checked(id)]) return;
        if (parts.Vocabulary[Checked(id)] is not null) decoding.Append(id, ref state, destination);
    }

    private void EncodeRaw(ReadOnlyMemory<byte> text, bool startsText, bool parseSpecial, EncodingWorkspace workspace, IntList ids)
    {
        ReadOnlyMemory<byte> normalized = parts.Normalizer?.Apply(text, startsText) ?? text;
        int done = 0;
        while (done < normalized.Length)
        {
            AddedToken? token = normalizedTokens.Next(normalized.Span, done, parseSpecial, out int start, out int end);
            if (start > done) EncodeNormalized(normalized[done..start], startsText && done == 0, workspace, ids);
            if (token is not null) ids.Add(token.Id);
            done = end;
        }
    }

    private void EncodeNormalized(ReadOnlyMemory<byte> text, bool startsText, EncodingWorkspace workspace, IntList ids)
    {
        Pieces pieces = Pieces.Whole(text, startsText);
        if (parts.Pretokenizer is not null) pieces = parts.Pretokenizer.Apply(pieces);
        for (int i = 0; i < pieces.Count; i++) parts.Encoding.Encode(pieces.Piece(i), workspace, ids);
    }

    private byte[] NormalizedContent(AddedToken token)
    {
        byte[] content = Utf8.Of(token.Content);
        return parts.NormalizesAddedTokens && content.Length > 0 && parts.Normalizer is not null ? parts.Normalizer.Apply(content, startsText: true).ToArray() : content;
    }

    private int Checked(int id) => (uint)id < (uint)parts.Vocabulary.Size ? id : throw Fault.UnknownId(id, parts.Vocabulary.Size);
}
