using System.Text;

namespace Halfbit.Tokenization;

/// <summary>Rewrites text before it is split: prefixes, replacements, Unicode normal forms.</summary>
internal abstract class Normalizer
{
    /// <summary>The text rewritten; the same memory when nothing changes.</summary>
    /// <param name="text">Well-formed UTF-8, not empty.</param>
    /// <param name="startsText">Whether this is the beginning of what the caller gave, not the part after an added token.</param>
    public abstract ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText);
}

/// <summary>One after another.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> parts) : Normalizer
{
    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        foreach (Normalizer part in parts) text = part.Apply(text, startsText);
        return text;
    }
}

/// <summary>Puts a string before every text that is not empty.</summary>
internal sealed class PrependNormalizer(byte[] prefix) : Normalizer
{
    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        if (text.IsEmpty) return text;
        var result = new byte[prefix.Length + text.Length];
        prefix.CopyTo(result, 0);
        text.CopyTo(result.AsMemory(prefix.Length));
        return result;
    }
}

/// <summary>Replaces every match of a pattern by a fixed string.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, byte[] content) : Normalizer
{
    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        var matches = new IntList();
        pattern.FindMatches(text.Span, matches);
        if (matches.Count == 0) return text;

        var result = new ByteList(Math.Max(text.Length, text.Length + (matches.Count / 2 * (content.Length - 1))));
        int done = 0;
        for (int m = 0; m < matches.Count; m += 2)
        {
            result.Add(text.Span[done..matches[m]]);
            result.Add(content);
            done = matches[m + 1];
        }

        result.Add(text.Span[done..]);
        return result.Memory;
    }
}

/// <summary>Removes white space at the ends.</summary>
internal sealed class StripNormalizer(bool atStart, bool atEnd) : Normalizer
{
    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        ReadOnlySpan<byte> span = text.Span;
        int start = 0;
        int end = span.Length;
        while (atStart && start < end && IsSpace(span, start, out int length)) start += length;
        while (atEnd && end > start && IsSpace(span, Utf8.StartOfLast(span, end), out int length)) end -= length;
        return text[start..end];
    }

    private static bool IsSpace(ReadOnlySpan<byte> text, int i, out int length)
        => (CharacterClasses.Of(Utf8.CodePointAt(text, i, out length)) & CharacterClass.Space) != 0;
}

/// <summary>Removes combining marks.</summary>
internal sealed class StripAccentsNormalizer : Normalizer
{
    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        ReadOnlySpan<byte> span = text.Span;
        var result = new ByteList(span.Length);
        for (int i = 0; i < span.Length;)
        {
            int codePoint = Utf8.CodePointAt(span, i, out int length);
            if ((CharacterClasses.Of(codePoint) & CharacterClass.Mark) == 0) result.Add(span.Slice(i, length));
            i += length;
        }

        return result.Memory;
    }
}

/// <summary>Lower-cases character by character, as Rust does: only U+0130 becomes two characters.</summary>
internal sealed class LowercaseNormalizer : Normalizer
{
    public override ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> text, bool startsText)
    {
        ReadOnlySpan<byte> span = text.Span;
        var result = new ByteList(span.Length);
        for (int i = 0; i < span.Length;)
        {
            int codePoint = Utf8.CodePointAt(span, i, out int length);
            if (codePoint == 0x130) result.Add("i\u0307"u8);
            else if (codePoint < 0x80) result.Add((byte)(codePoint is >= 'A' and <= 'Z' ? codePoint | 0x20 : codePoint));
            else result.AddCodePoint(Rune.ToLowerInvariant(new Rune(codePoint)).Value);
            i += length;
        }

        return result.Memory;
    }
}
