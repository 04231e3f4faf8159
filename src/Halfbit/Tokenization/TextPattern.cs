namespace Halfbit.Tokenization;

/// <summary>Something that is searched for in text: a literal, a class of characters, a word pattern, or a regular expression.</summary>
internal abstract class TextPattern
{
    /// <summary>Appends the first and the end byte of each match, from left to right and without overlap.</summary>
    /// <param name="text">Well-formed UTF-8.</param>
    /// <param name="bounds">Destination: start, end, start, end, …</param>
    public abstract void FindMatches(ReadOnlySpan<byte> text, IntList bounds);
}

/// <summary>A fixed, non-empty string.</summary>
internal sealed class LiteralPattern(byte[] literal) : TextPattern
{
    public override void FindMatches(ReadOnlySpan<byte> text, IntList bounds)
    {
        int start = 0;
        for (int found = text.IndexOf(literal); found >= 0; found = text[start..].IndexOf(literal))
        {
            bounds.Add(start + found);
            start += found + literal.Length;
            bounds.Add(start);
        }
    }
}

/// <summary>Each single character of a class.</summary>
internal sealed class CharacterPattern(CharacterClass wanted) : TextPattern
{
    public override void FindMatches(ReadOnlySpan<byte> text, IntList bounds)
    {
        for (int i = 0; i < text.Length;)
        {
            CharacterClass found = CharacterClasses.Of(Utf8.CodePointAt(text, i, out int length));
            if ((found & wanted) != 0)
            {
                bounds.Add(i);
                bounds.Add(i + length);
            }

            i += length;
        }
    }
}

/// <summary>Runs of word characters and runs of what is neither word nor space: <c>\w+|[^\w\s]+</c>.</summary>
internal sealed class WordOrSymbolPattern : TextPattern
{
    public override void FindMatches(ReadOnlySpan<byte> text, IntList bounds)
    {
        int start = 0;
        CharacterClass run = CharacterClass.Space;
        for (int i = 0; i <= text.Length;)
        {
            int length = 1;
            CharacterClass next = CharacterClass.Space;
            if (i < text.Length)
            {
                CharacterClass found = CharacterClasses.Of(Utf8.CodePointAt(text, i, out length));
                next = (found & CharacterClass.Word) != 0 ? CharacterClass.Word : found & CharacterClass.Space;
            }

            if (next != run)
            {
                if (run != CharacterClass.Space)
                {
                    bounds.Add(start);
                    bounds.Add(i);
                }

                start = i;
                run = next;
            }

            i += length;
        }
    }
}
