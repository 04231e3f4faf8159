using System.Buffers;

namespace Halfbit.Tokenization;

/// <summary>Finds added tokens in text: at each place the longest one, from left to right.</summary>
internal sealed class AddedTokenMatcher
{
    private const int Root = 0;
    private readonly Dictionary<(int Node, byte Step), int> edges = [];
    private readonly List<AddedToken?> tokenAt = [null];
    private readonly SearchValues<byte> firstBytes;

    /// <param name="tokens">Each with the bytes to look for.</param>
    public AddedTokenMatcher(IEnumerable<(AddedToken Token, byte[] Content)> tokens)
    {
        var firsts = new HashSet<byte>();
        foreach ((AddedToken token, byte[] content) in tokens)
        {
            if (content.Length == 0) continue;
            firsts.Add(content[0]);
            int node = Root;
            foreach (byte step in content)
            {
                if (!edges.TryGetValue((node, step), out int next))
                {
                    next = tokenAt.Count;
                    tokenAt.Add(null);
                    edges.Add((node, step), next);
                }

                node = next;
            }

            tokenAt[node] = token;
            HasPlainTokens |= !token.IsSpecial;
            HasTokens = true;
        }

        firstBytes = SearchValues.Create([.. firsts]);
    }

    private bool HasTokens { get; }

    private bool HasPlainTokens { get; }

    /// <summary>The next token at or after <paramref name="from"/>, with the white space that belongs to it.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="from">Where the last found token ended.</param>
    /// <param name="parseSpecial">Whether special tokens count; otherwise their text is plain text.</param>
    /// <param name="start">First byte taken.</param>
    /// <param name="end">One past the last byte taken.</param>
    public AddedToken? Next(ReadOnlySpan<byte> text, int from, bool parseSpecial, out int start, out int end)
    {
        bool isWorthwhile = parseSpecial ? HasTokens : HasPlainTokens;
        for (int i = from; isWorthwhile && i < text.Length;)
        {
            int found = text[i..].IndexOfAny(firstBytes);
            if (found < 0) break;
            start = i + found;
            AddedToken? token = LongestAt(text, start, out int length);
            i = end = start + Math.Max(1, length);
            if (token is null || (token.IsSpecial && !parseSpecial)) continue;
            if (token.IsSingleWord && TouchesWord(text, start, end)) continue;
            while (token.TakesSpaceBefore && start > from && Has(text, Utf8.StartOfLast(text, start), CharacterClass.Space, out int before)) start -= before;
            while (token.TakesSpaceAfter && end < text.Length && Has(text, end, CharacterClass.Space, out int after)) end += after;
            return token;
        }

        start = end = text.Length;
        return null;
    }

    private static bool TouchesWord(ReadOnlySpan<byte> text, int start, int end)
        => (start > 0 && Has(text, Utf8.StartOfLast(text, start), CharacterClass.Word, out _))
           || (end < text.Length && Has(text, end, CharacterClass.Word, out _));

    private static bool Has(ReadOnlySpan<byte> text, int i, CharacterClass wanted, out int length)
        => (CharacterClasses.Of(Utf8.CodePointAt(text, i, out length)) & wanted) != 0;

    private AddedToken? LongestAt(ReadOnlySpan<byte> text, int i, out int length)
    {
        AddedToken? longest = null;
        length = 0;
        int node = Root;
        for (int j = i; j < text.Length && edges.TryGetValue((node, text[j]), out node); j++)
        {
            if (tokenAt[node] is not AddedToken token) continue;
            longest = token;
            length = j + 1 - i;
        }

        return longest;
    }
}
