namespace Halfbit.Tokenization;

/// <summary>What the readers of the file formats agree on: the steps of a tokenizer.</summary>
internal sealed record TokenizerParts
{
    public required string SourceFile { get; init; }

    /// <summary>All tokens, added ones included.</summary>
    public required Vocabulary Vocabulary { get; init; }

    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>Step 1, on the text between added tokens; null for none.</summary>
    public Normalizer? Normalizer { get; init; }

    /// <summary>Whether the contents of normalized added tokens are normalized before they are searched for.</summary>
    public bool NormalizesAddedTokens { get; init; }

    /// <summary>Step 2; null for none.</summary>
    public Pretokenizer? Pretokenizer { get; init; }

    /// <summary>Step 3.</summary>
    public required BytePairEncoding Encoding { get; init; }

    /// <summary>Step 4.</summary>
    public SequenceFrame Frame { get; init; } = SequenceFrame.None;

    /// <summary>The way back.</summary>
    public required DecodingRules Decoding { get; init; }

    public int? BosId { get; init; }

    public int? EosId { get; init; }
}
