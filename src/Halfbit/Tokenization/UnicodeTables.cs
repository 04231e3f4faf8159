using System.Globalization;

namespace Halfbit.Tokenization;

/// <summary>Decompositions, compositions and combining classes of code points, unpacked from <see cref="UnicodeDecompositions"/> when first used.</summary>
internal sealed class UnicodeTables
{
    private const int HangulFirst = 0xAC00;
    private const int HangulCount = 11172;
    private const int LeadFirst = 0x1100;
    private const int VowelFirst = 0x1161;
    private const int TailFirst = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TailCount = 28;

    private static readonly Lazy<UnicodeTables> shared = new(() => new UnicodeTables());

    private readonly Dictionary<int, int[]> canonical = Parse(UnicodeDecompositions.Canonical);
    private readonly Dictionary<int, int[]> compatible = Parse(UnicodeDecompositions.Compatible);
    private readonly Dictionary<int, int[]> combiningClasses = Parse(UnicodeDecompositions.CombiningClasses);
    private readonly Dictionary<(int First, int Second), int> compositions = [];

    private UnicodeTables()
    {
        HashSet<int> neverComposed = [.. Words(UnicodeDecompositions.NeverComposed).Select(word => Hexadecimal(word))];
        foreach ((int code, int[] parts) in canonical)
        {
            if (parts.Length == 2 && !neverComposed.Contains(code)) compositions.Add((parts[0], parts[1]), code);
        }
    }

    public static UnicodeTables Shared => shared.Value;

    /// <summary>Code points with a decomposition of their own, Hangul syllables aside.</summary>
    public IEnumerable<int> Decomposable => canonical.Keys.Concat(compatible.Keys);

    /// <summary>Code points of a combining class other than 0.</summary>
    public IEnumerable<int> Combining => combiningClasses.Keys;

    /// <summary>Code points that may join the one before them.</summary>
    public IEnumerable<int> Joining => compositions.Keys.Select(pair => pair.Second)
        .Concat(Enumerable.Range(VowelFirst, VowelCount)).Concat(Enumerable.Range(TailFirst + 1, TailCount - 1));

    public static bool IsHangulSyllable(int codePoint) => codePoint is >= HangulFirst and < HangulFirst + HangulCount;

    public int CombiningClass(int codePoint) => combiningClasses.TryGetValue(codePoint, out int[]? found) ? found[0] : 0;

    /// <summary>Appends the full decomposition of a code point.</summary>
    public void Decompose(int codePoint, bool isCompatible, List<int> destination)
    {
        if (IsHangulSyllable(codePoint))
        {
            int syllable = codePoint - HangulFirst;
            destination.Add(LeadFirst + (syllable / (VowelCount * TailCount)));
            destination.Add(VowelFirst + (syllable / TailCount % VowelCount));
            if (syllable % TailCount != 0) destination.Add(TailFirst + (syllable % TailCount));
        }
        else if (canonical.TryGetValue(codePoint, out int[]? parts) || (isCompatible && compatible.TryGetValue(codePoint, out parts)))
        {
            foreach (int part in parts) Decompose(part, isCompatible, destination);
        }
        else
        {
            destination.Add(codePoint);
        }
    }

    /// <summary>The code point that two become; false when they stay two.</summary>
    public bool TryCompose(int first, int second, out int composed)
    {
        if (first is >= LeadFirst and < LeadFirst + LeadCount && second is >= VowelFirst and < VowelFirst + VowelCount)
        {
            composed = HangulFirst + ((((first - LeadFirst) * VowelCount) + (second - VowelFirst)) * TailCount);
            return true;
        }

        if (IsHangulSyllable(first) && (first - HangulFirst) % TailCount == 0 && second is > TailFirst and < TailFirst + TailCount)
        {
            composed = first + (second - TailFirst);
            return true;
        }

        return compositions.TryGetValue((first, second), out composed);
    }

    private static Dictionary<int, int[]> Parse(string packed)
    {
        var result = new Dictionary<int, int[]>();
        foreach (string entry in Words(packed))
        {
            int colon = entry.IndexOf(':', StringComparison.Ordinal);
            int plus = entry.IndexOf('+', StringComparison.Ordinal);
            bool isConstant = entry[colon - 1] == '=';
            int first = Hexadecimal(entry.AsSpan(0, plus < 0 ? colon : plus));
            int count = plus < 0 ? 1 : Hexadecimal(entry.AsSpan(plus + 1, colon - plus - 1 - (isConstant ? 1 : 0)));
            int[] values = [.. entry[(colon + 1)..].Split(',').Select(value => Hexadecimal(value))];
            for (int i = 0; i < count; i++) result.Add(first + i, isConstant ? values : [values[0] + i, .. values.AsSpan(1)]);
        }

        return result;
    }

    private static string[] Words(string packed) => packed.Split([' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);

    private static int Hexadecimal(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
