namespace Halfbit.Tokenization;

/// <summary>The normalizer_spec of a SentencePiece model, with the defaults of its format.</summary>
internal sealed record SentencePieceRules
{
    /// <summary>add_dummy_prefix: a space is put before the text.</summary>
    public bool AddsSpace { get; init; } = true;

    /// <summary>treat_whitespace_as_suffix: that space is put after the text.</summary>
    public bool AddsSpaceAtEnd { get; init; }

    /// <summary>remove_extra_whitespaces: spaces at the ends are dropped, runs of spaces become one.</summary>
    public bool RemovesExtraSpaces { get; init; } = true;

    /// <summary>escape_whitespaces: spaces are written ▁.</summary>
    public bool MarksSpaces { get; init; } = true;

    /// <summary>precompiled_charsmap: replacements of characters; null for none.</summary>
    public CharacterMap? CharacterMap { get; init; }

    /// <summary>Whether the space is also added to text after an added token.</summary>
    public bool AddsSpaceAfterTokens { get; init; } = true;
}

/// <summary>SentencePiece's normalization: replacements of characters, then its treatment of spaces.</summary>
/// <param name="rules">The model's rules.</param>
/// <param name="kept">User-defined pieces, which are left as they are.</param>
internal sealed class SentencePieceNormalizer(SentencePieceRules rules, AddedTokenMatcher kept) : Normalizer
{
    private readonly byte[] space = rules.MarksSpaces ? "▁"u8.ToArray() : " "u8.ToArray();

    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        ReadOnlySpan<byte> mapped = rules.CharacterMap is null ? text.Span : Map(text.Span);
        if (rules.RemovesExtraSpaces) mapped = WithoutExtraSpaces(mapped);
        if (mapped.IsEmpty) return ReadOnlyMemory<byte>.Empty;

        bool addsSpace = rules.AddsSpace && (startsText || rules.AddsSpaceAfterTokens);
        var result = new ByteList(mapped.Length + (mapped.Length / 2) + 8);
        if (addsSpace && !rules.AddsSpaceAtEnd) result.Add(space);
        result.AddReplacing(mapped, " "u8, space);
        if (addsSpace && rules.AddsSpaceAtEnd) result.Add(space);
        return result.Memory;
    }

    private static ReadOnlySpan<byte> WithoutExtraSpaces(ReadOnlySpan<byte> text)
    {
        var result = new ByteList(text.Length);
        foreach (byte b in text)
        {
            bool isExtra = b == ' ' && (result.Count == 0 || result.Span[^1] == ' ');
            if (!isExtra) result.Add(b);
        }

        if (result.Count > 0 && result.Span[^1] == ' ') result.RemoveLast(1);
        return result.Span;
    }

    private ReadOnlySpan<byte> Map(ReadOnlySpan<byte> text)
    {
        var result = new ByteList(text.Length);
        int done = 0;
        while (done < text.Length)
        {
            _ = kept.Next(text, done, parseSpecial: false, out int start, out int end);
            rules.CharacterMap!.Append(text[done..start], result);
            result.Add(text[start..end]);
            done = end;
        }

        return result.Span;
    }
}
