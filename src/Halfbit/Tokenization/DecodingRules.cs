using System.Globalization;
using System.Text;

namespace Halfbit.Tokenization;

/// <summary>What a decoder does to the text of each token, and to the start of the whole.</summary>
internal sealed record DecodingRules
{
    /// <summary>Strings replaced in each token, in order.</summary>
    public IReadOnlyList<(string Old, string New)> Replacements { get; init; } = [];

    /// <summary>Whether tokens are written in the byte alphabet of GPT-2.</summary>
    public bool UsesByteAlphabet { get; init; }

    /// <summary>Whether <c>&lt;0xHH&gt;</c> is a byte.</summary>
    public bool HasByteTokens { get; init; }

    /// <summary>Whether a space is put between tokens.</summary>
    public bool JoinsWithSpace { get; init; }

    /// <summary>How many characters are taken off the start of the text, if they are <see cref="Stripped"/>.</summary>
    public int StripAtStart { get; init; }

    /// <summary>What is taken off, an ASCII character.</summary>
    public byte Stripped { get; init; } = (byte)' ';

    /// <summary>The mark that stands for a space, where the first token loses all of its marks; null where it keeps them.</summary>
    public string? MarkLostByFirst { get; init; }

    public bool FirstTokenLosesMarks => MarkLostByFirst is not null;

    public byte[] BytesOf(string text, bool isAdded)
    {
        foreach ((string old, string replacement) in Replacements) text = text.Replace(old, replacement, StringComparison.Ordinal);
        if (HasByteTokens && TryGetByte(text, out byte value)) return [value];
        if (UsesByteAlphabet && !isAdded && ByteAlphabet.TryGetBytes(text, out byte[] bytes)) return bytes;
        return Encoding.UTF8.GetBytes(text);
    }

    public byte[] BytesOfFirst(string text) => BytesOf(text.Replace(MarkLostByFirst!, "", StringComparison.Ordinal), isAdded: false);

    /// <summary>Reads <c>&lt;0xHH&gt;</c>.</summary>
    public static bool TryGetByte(string text, out byte value)
    {
        value = 0;
        return text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>'
            && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>The token text of a byte.</summary>
    public static string TokenOfByte(int value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");
}
