using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Halfbit.Tokenization;

/// <summary>A pattern that has no scanner of its own, left to .NET's regular expressions.</summary>
/// <remarks>
/// Checkpoints write patterns for Oniguruma, which sees code points; .NET sees UTF-16 units. So each code point beyond U+FFFF is replaced by the
/// last character of the basic plane that has the same general category: classes such as \p{L} then match as they should, and one character is
/// one code point. <c>\s</c>, <c>\p{L}</c> and <c>\p{N}</c> mean the same in both. Possessive quantifiers are rewritten as atomic groups; what .NET
/// does not know (<c>\p{Han}</c>, <c>&amp;&amp;</c> in classes) is refused when the tokenizer is read.
/// </remarks>
internal sealed class RegexPattern : TextPattern
{
    private static readonly char[] standIns = FindStandIns();
    private readonly Regex regex;

    /// <exception cref="ArgumentException">The pattern is not one of .NET.</exception>
    public RegexPattern(string pattern) => regex = new Regex(WithAtomicGroups(pattern), RegexOptions.CultureInvariant);

    public override void FindMatches(ReadOnlySpan<byte> text, IntList bounds)
    {
        var characters = new char[text.Length];
        var offsets = new int[text.Length + 1];
        int count = 0;
        for (int i = 0; i < text.Length;)
        {
            int codePoint = Utf8.CodePointAt(text, i, out int length);
            characters[count] = codePoint <= char.MaxValue ? (char)codePoint : standIns[(int)CharUnicodeInfo.GetUnicodeCategory(codePoint)];
            offsets[count++] = i;
            i += length;
        }

        offsets[count] = text.Length;
        foreach (ValueMatch match in regex.EnumerateMatches(characters.AsSpan(0, count)))
        {
            if (match.Length == 0) continue;
            bounds.Add(offsets[match.Index]);
            bounds.Add(offsets[match.Index + match.Length]);
        }
    }

    /// <summary>Rewrites <c>x?+</c>, <c>x*+</c> and <c>x++</c> as <c>(?>x?)</c>, <c>(?>x*)</c> and <c>(?>x+)</c>.</summary>
    internal static string WithAtomicGroups(string pattern)
    {
        var result = new StringBuilder(pattern.Length);
        var openGroups = new Stack<int>();
        int atom = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c is '?' or '*' or '+' && i > 0)
            {
                result.Append(c);
                bool isGroupOption = pattern[i - 1] == '(' && openGroups.Count > 0 && openGroups.Peek() == result.Length - 2;
                if (isGroupOption || i + 1 == pattern.Length || pattern[i + 1] != '+') continue;
                result.Insert(atom, "(?>").Append(')');
                i++;
                continue;
            }

            if (c == ')' && openGroups.Count > 0)
            {
                atom = openGroups.Pop();
                result.Append(c);
                continue;
            }

            if (c == '{' && pattern.AsSpan(i).IndexOf('}') > 0)
            {
                int close = pattern.IndexOf('}', i);
                result.Append(pattern, i, close - i + 1);
                i = close;
                continue;
            }

            atom = result.Length;
            if (c == '(') openGroups.Push(atom);
            int end = AtomEnd(pattern, i);
            result.Append(pattern, i, end - i);
            i = end - 1;
        }

        return result.ToString();
    }

    /// <summary>The end of the escape, class or character that starts at <paramref name="i"/>.</summary>
    private static int AtomEnd(string pattern, int i)
    {
        if (pattern[i] == '\\' && i + 1 < pattern.Length)
        {
            bool hasBraces = pattern[i + 1] is 'p' or 'P' && i + 2 < pattern.Length && pattern[i + 2] == '{';
            int close = hasBraces ? pattern.IndexOf('}', i) : -1;
            return close > 0 ? close + 1 : i + 2;
        }

        if (pattern[i] != '[') return i + 1;
        int j = i + 1;
        if (j < pattern.Length && pattern[j] == '^') j++;
        if (j < pattern.Length && pattern[j] == ']') j++;
        while (j < pattern.Length && pattern[j] != ']') j += pattern[j] == '\\' ? 2 : 1;
        return Math.Min(j + 1, pattern.Length);
    }

    private static char[] FindStandIns()
    {
        var result = new char[30];
        Array.Fill(result, '\uFFFF');
        result[(int)UnicodeCategory.PrivateUse] = '\uE000';
        for (int c = 0xD7FF; c > 0x7F; c--)
        {
            ref char standIn = ref result[(int)CharUnicodeInfo.GetUnicodeCategory(c)];
            if (standIn == '\uFFFF') standIn = (char)c;
        }

        return result;
    }
}
