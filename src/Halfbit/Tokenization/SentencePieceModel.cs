namespace Halfbit.Tokenization;

/// <summary>What a piece of a SentencePiece model is; the numbers are those of the file.</summary>
internal enum PieceKind
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>One entry of the vocabulary; its id is its place.</summary>
/// <param name="Text">UTF-8 text, with ▁ for a space.</param>
/// <param name="Score">Merges into pieces of higher score come first.</param>
/// <param name="Kind">What it is.</param>
internal readonly record struct Piece(string Text, float Score, PieceKind Kind);

/// <summary>The content of tokenizer.model, as far as encoding needs it (sentencepiece_model.proto).</summary>
internal sealed record SentencePieceModel
{
    private const int Unigram = 1;
    private const int Bpe = 2;

    public required IReadOnlyList<Piece> Pieces { get; init; }

    public int BosId { get; init; } = 1;

    public int EosId { get; init; } = 2;

    /// <summary>Whether characters without a piece are written in byte pieces.</summary>
    public bool HasByteFallback { get; init; }

    public SentencePieceRules Rules { get; init; } = new();

    public static SentencePieceModel Read(string file)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Fault.Unreadable(file, exception);
        }

        var pieces = new List<Piece>();
        var model = new SentencePieceModel { Pieces = pieces };
        var reader = new ProtobufReader(file, bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: pieces.Add(ReadPiece(reader.Message())); break;
                case 2: model = WithTrainerSpec(model, reader.Message(), file); break;
                case 3: model = model with { Rules = ReadRules(model.Rules, reader.Message(), file) }; break;
                default: break;
            }
        }

        if (pieces.Count == 0) throw Fault.Malformed(file, "not a SentencePiece model (no pieces)");
        return model;
    }

    private static Piece ReadPiece(ProtobufReader reader)
    {
        var piece = new Piece("", 0, PieceKind.Normal);
        while (reader.Next())
        {
            if (reader.Field == 1) piece = piece with { Text = reader.Text() };
            else if (reader.Field == 2) piece = piece with { Score = reader.Single() };
            else if (reader.Field == 3) piece = piece with { Kind = (PieceKind)reader.Integer() };
        }

        return piece;
    }

    private static SentencePieceModel WithTrainerSpec(SentencePieceModel model, ProtobufReader reader, string file)
    {
        int type = Unigram;
        while (reader.Next())
        {
            if (reader.Field == 3) type = reader.Integer();
            else if (reader.Field == 24) model = model with { Rules = model.Rules with { AddsSpaceAtEnd = reader.Flag() } };
            else if (reader.Field == 35) model = model with { HasByteFallback = reader.Flag() };
            else if (reader.Field == 41) model = model with { BosId = reader.Integer() };
            else if (reader.Field == 42) model = model with { EosId = reader.Integer() };
        }

        string found = type == Unigram ? "1 (Unigram)" : type.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return type == Bpe ? model : throw Fault.Unsupported(file, "trainer_spec.model_type", found, "2 (BPE)");
    }

    private static SentencePieceRules ReadRules(SentencePieceRules rules, ProtobufReader reader, string file)
    {
        while (reader.Next())
        {
            if (reader.Field == 2) rules = rules with { CharacterMap = CharacterMap.Read(reader.Bytes(), file) };
            else if (reader.Field == 3) rules = rules with { AddsSpace = reader.Flag() };
            else if (reader.Field == 4) rules = rules with { RemovesExtraSpaces = reader.Flag() };
            else if (reader.Field == 5) rules = rules with { MarksSpaces = reader.Flag() };
        }

        return rules;
    }
}
