using System.Text;

namespace Halfbit.Tokenization;

/// <summary>Reads tokenizer.model and builds its byte-pair encoding.</summary>
/// <remarks>
/// SentencePiece knows no list of merges: two neighbouring symbols are joined when their texts together are a piece, the piece of the highest
/// score first, the leftmost among equals. So the merges into a piece are all ways to cut it into two symbols, and their rank is the
/// place of its score. A symbol is a piece or a single character, also one that is only part of longer pieces.
/// </remarks>
internal static class SentencePieceReader
{
    private const int LongestPiece = 1024;

    public static TokenizerParts Read(string file, TokenizerSettings settings)
    {
        SentencePieceModel model = SentencePieceModel.Read(file);
        var vocabulary = new Vocabulary(file);
        var added = new Dictionary<int, AddedToken>();
        int? unknown = null;
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            Piece piece = model.Pieces[id];
            Check(piece, id, file);
            vocabulary.Add(piece.Text, id);
            if (piece.Kind == PieceKind.Unknown) unknown = id;
            if (piece.Kind is PieceKind.Unknown or PieceKind.Control) added[id] = new AddedToken(id, piece.Text) { IsSpecial = true };
            if (piece.Kind == PieceKind.UserDefined) added[id] = new AddedToken(id, piece.Text) { IsNormalized = true };
        }

        if (unknown is null) throw Fault.Malformed(file, "the model has no unknown piece");
        AddedTokenMatcher userDefined = new(added.Values.Where(token => !token.IsSpecial).Select(token => (token, Utf8.Of(token.Content))));
        BytePairEncoding encoding = BuildEncoding(model, vocabulary, unknown.Value);

        foreach (AddedToken token in settings.AddedTokens)
        {
            vocabulary.AddOrRename(token.Content, token.Id);
            added[token.Id] = token with { IsNormalized = false };
        }

        int? bos = settings.FindBos(vocabulary) ?? ControlId(model, model.BosId);
        int? eos = settings.FindEos(vocabulary) ?? ControlId(model, model.EosId);
        SentencePieceRules rules = model.Rules with { AddsSpaceAfterTokens = settings.IsLegacy };
        return new TokenizerParts
        {
            SourceFile = file,
            Vocabulary = vocabulary,
            AddedTokens = [.. added.Values],
            Normalizer = new SentencePieceNormalizer(rules, userDefined),
            Encoding = encoding,
            Frame = SequenceFrame.Of(settings.AddsBos ?? true, bos, settings.AddsEos ?? false, eos),
            Decoding = new DecodingRules
            {
                Replacements = [("▁", " ")],
                HasByteTokens = true,
                StripAtStart = rules.AddsSpace && !rules.AddsSpaceAtEnd ? 1 : 0,
            },
            BosId = bos,
            EosId = eos,
        };
    }

    private static void Check(Piece piece, int id, string file)
    {
        string place = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"pieces[{id}]");
        if (piece.Text.Length is 0 or > LongestPiece) throw Fault.Field(file, place, $"a piece of {piece.Text.Length} characters", $"1 to {LongestPiece}");
        if (float.IsNaN(piece.Score)) throw Fault.Field(file, place, "a piece with a score that is not a number", "a number");
        if (piece.Kind == PieceKind.Unused || !Enum.IsDefined(piece.Kind))
            throw Fault.Unsupported(file, place, $"a piece of type {(int)piece.Kind}", "normal, unknown, control, user-defined and byte pieces");
        if (piece.Kind == PieceKind.Byte && !DecodingRules.TryGetByte(piece.Text, out _)) throw Fault.Field(file, place, $"'{piece.Text}'", "<0x00> to <0xFF>");
    }

    private static int? ControlId(SentencePieceModel model, int id)
        => id >= 0 && id < model.Pieces.Count && model.Pieces[id].Kind == PieceKind.Control ? id : null;

    private static BytePairEncoding BuildEncoding(SentencePieceModel model, Vocabulary vocabulary, int unknown)
    {
        int[]? byteTokens = null;
        if (model.HasByteFallback)
        {
            byteTokens = new int[256];
            for (int b = 0; b < 256; b++) byteTokens[b] = IsJoinable(vocabulary.Find(DecodingRules.TokenOfByte(b)), model, PieceKind.Byte) ?? -1;
        }

        var symbols = new SymbolTable(areBytes: false, vocabulary.Size, byteTokens);
        var merges = new PairTable();
        var joinable = new JoinablePairs();
        int[] ranks = RanksOf(model.Pieces);
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            if (model.Pieces[id].Kind == PieceKind.Normal && SingleCodePoint(model.Pieces[id].Text) is int unit) symbols.Set(unit, id);
        }

        for (int id = 0; id < model.Pieces.Count; id++)
        {
            if (model.Pieces[id].Kind == PieceKind.Normal) AddMerges(model, vocabulary, symbols, id, ranks[id], merges, joinable);
        }

        return new BytePairEncoding(symbols, merges, joinable, unknown, fusesUnknown: true, wholeWords: null);
    }

    /// <summary>Adds every way to put a piece together from two symbols.</summary>
    private static void AddMerges(SentencePieceModel model, Vocabulary vocabulary, SymbolTable symbols, int id, int rank, PairTable merges, JoinablePairs joinable)
    {
        string text = model.Pieces[id].Text;
        for (int cut = 1; cut < text.Length; cut++)
        {
            if (char.IsLowSurrogate(text[cut])) continue;
            if (SymbolOf(text.AsSpan(..cut)) is not int left || SymbolOf(text.AsSpan(cut..)) is not int right) continue;
            merges.Set(left, right, rank, id);
            _ = Rune.DecodeLastFromUtf16(text.AsSpan(..cut), out Rune last, out _);
            _ = Rune.DecodeFromUtf16(text.AsSpan(cut..), out Rune first, out _);
            joinable.Add(last.Value, first.Value);
        }

        int? SymbolOf(ReadOnlySpan<char> part)
        {
            if (SingleCodePoint(part) is int unit) return symbols.OfOrNew(unit);
            return vocabulary.TryGetId(part, out int found) ? IsJoinable(found, model, PieceKind.Normal) : null;
        }
    }

    /// <summary>The place of each piece's score among all scores, the highest first; equal scores share a place.</summary>
    private static int[] RanksOf(IReadOnlyList<Piece> pieces)
    {
        float[] scores = [.. pieces.Select(piece => piece.Score + 0f).Distinct().OrderDescending()];
        var rankOf = new Dictionary<float, int>();
        for (int rank = 0; rank < scores.Length; rank++) rankOf[scores[rank]] = rank;
        return [.. pieces.Select(piece => rankOf[piece.Score + 0f])];
    }

    private static int? IsJoinable(int? id, SentencePieceModel model, PieceKind kind) => id is int found && model.Pieces[found].Kind == kind ? found : null;

    private static int? SingleCodePoint(ReadOnlySpan<char> text)
        => Rune.DecodeFromUtf16(text, out Rune unit, out int length) == System.Buffers.OperationStatus.Done && length == text.Length ? unit.Value : null;
}
