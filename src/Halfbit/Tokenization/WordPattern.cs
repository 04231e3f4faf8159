namespace Halfbit.Tokenization;

/// <summary>The word patterns of GPT-2, LLaMA-3 and Qwen2, written out as scanners: they cover the text without gaps.</summary>
/// <remarks>
/// A regular expression tries its alternatives in order and each as greedily as it can; the scanners take the same decisions by looking
/// at one character and its successor. In the comments ¶ is one of \r \n, and "other" is neither space, letter nor number.
/// As in Oniguruma, the case-insensitive 's of LLaMA-3 also matches the long s, U+017F.
/// </remarks>
internal sealed class WordPattern : TextPattern
{
    private const CharacterClass NotOther = CharacterClass.Space | CharacterClass.Letter | CharacterClass.Number;

    private readonly bool isGpt2;
    private readonly int mostDigits;

    private WordPattern(bool isGpt2, int mostDigits)
    {
        this.isGpt2 = isGpt2;
        this.mostDigits = mostDigits;
    }

    /// <summary>The split of GPT-2, OPT and of ByteLevel with use_regex.</summary>
    public static WordPattern Gpt2 { get; } = new(isGpt2: true, int.MaxValue);

    /// <summary>Patterns as checkpoints write them, each with its scanner.</summary>
    public static IReadOnlyDictionary<string, WordPattern> Known { get; } = new Dictionary<string, WordPattern>(StringComparer.Ordinal)
    {
        [@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"] = Gpt2,
        [@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"] = new(isGpt2: false, 3),
        [@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"] = new(isGpt2: false, 1),
    };

    public override void FindMatches(ReadOnlySpan<byte> text, IntList bounds)
    {
        for (int start = 0; start < text.Length;)
        {
            int end = isGpt2 ? Gpt2End(text, start) : LlamaEnd(text, start);
            bounds.Add(start);
            bounds.Add(end);
            start = end;
        }
    }

    private static int Gpt2End(ReadOnlySpan<byte> text, int i)
    {
        if (text[i] == '\'')
        {
            int contraction = ContractionLength(text[(i + 1)..], ignoresCase: false);
            if (contraction > 0) return i + 1 + contraction;
        }

        // " ?\p{L}+", " ?\p{N}+", " ?other+": the optional space belongs to the run that follows it.
        CharacterClass kind = ClassAt(text, i, out int length) & NotOther;
        if (text[i] == ' ' && i + 1 < text.Length)
        {
            CharacterClass following = ClassAt(text, i + 1, out int followingLength) & NotOther;
            if (following != CharacterClass.Space) return RunEnd(text, i + 1 + followingLength, following);
        }

        return kind == CharacterClass.Space ? SpaceEnd(text, i) : RunEnd(text, i + length, kind);
    }

    private int LlamaEnd(ReadOnlySpan<byte> text, int i)
    {
        if (text[i] == '\'')
        {
            int contraction = ContractionLength(text[(i + 1)..], ignoresCase: true);
            if (contraction > 0) return i + 1 + contraction;
        }

        CharacterClass kind = ClassAt(text, i, out int length) & NotOther;
        int second = i + length;
        if (kind == CharacterClass.Letter) return RunEnd(text, second, kind);
        if (kind == CharacterClass.Number) return DigitsEnd(text, second);

        // "[^¶\p{L}\p{N}]?\p{L}+": any one character but a line end may lead a word.
        bool isLineEnd = text[i] is (byte)'\r' or (byte)'\n';
        CharacterClass following = CharacterClass.Space;
        int followingLength = 0;
        if (second < text.Length) following = ClassAt(text, second, out followingLength) & NotOther;
        if (!isLineEnd && following == CharacterClass.Letter) return RunEnd(text, second + followingLength, following);

        // " ?other+¶*"
        if (kind == CharacterClass.None) return LineEndsAfter(text, RunEnd(text, second, kind));
        if (text[i] == ' ' && following == CharacterClass.None) return LineEndsAfter(text, RunEnd(text, second + followingLength, following));

        // "\s*¶+": up to the last line end of the run of spaces, if there is one.
        int end = RunEnd(text, i, CharacterClass.Space);
        int lastLineEnd = text[i..end].LastIndexOfAny((byte)'\r', (byte)'\n');
        return lastLineEnd >= 0 ? i + lastLineEnd + 1 : SpaceEnd(text, i);
    }

    /// <summary><c>\s+(?!\S)|\s+</c>: a run of spaces leaves its last one to the word after it, unless it has only one.</summary>
    private static int SpaceEnd(ReadOnlySpan<byte> text, int i)
    {
        int end = RunEnd(text, i, CharacterClass.Space);
        if (end == text.Length) return end;
        int last = Utf8.StartOfLast(text, end);
        return last > i ? last : end;
    }

    /// <summary>Length of a contraction after its apostrophe, in bytes; 0 when there is none.</summary>
    private static int ContractionLength(ReadOnlySpan<byte> text, bool ignoresCase)
    {
        if (text.IsEmpty) return 0;
        int fold = ignoresCase ? 0x20 : 0;
        int first = text[0] | fold;
        if (first is 's' or 't' or 'm' or 'd') return 1;
        if (ignoresCase && text.StartsWith("\u017F"u8)) return 2;
        if (text.Length < 2) return 0;
        int second = text[1] | fold;
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 2 : 0;
    }

    private static int RunEnd(ReadOnlySpan<byte> text, int i, CharacterClass kind)
    {
        while (i < text.Length && (ClassAt(text, i, out int length) & NotOther) == kind) i += length;
        return i;
    }

    private int DigitsEnd(ReadOnlySpan<byte> text, int i)
    {
        for (int digits = 1; digits < mostDigits && i < text.Length; digits++)
        {
            if ((ClassAt(text, i, out int length) & CharacterClass.Number) == 0) break;
            i += length;
        }

        return i;
    }

    private static int LineEndsAfter(ReadOnlySpan<byte> text, int i)
    {
        while (i < text.Length && text[i] is (byte)'\r' or (byte)'\n') i++;
        return i;
    }

    private static CharacterClass ClassAt(ReadOnlySpan<byte> text, int i, out int length)
        => CharacterClasses.Of(Utf8.CodePointAt(text, i, out length));
}
