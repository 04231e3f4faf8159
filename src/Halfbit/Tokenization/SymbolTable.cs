using System.Text;

namespace Halfbit.Tokenization;

/// <summary>What an encoding starts from: the symbol of each single unit, a unit being a byte or a code point.</summary>
/// <remarks>
/// A symbol below <see cref="TokenCount"/> is a token id. A symbol from there on is a character that is part of longer pieces without
/// being a piece itself; SentencePiece joins such characters too. If one is left over in the end, it is written in byte tokens or as unknown.
/// </remarks>
internal sealed class SymbolTable
{
    private readonly int[] basicPlane;
    private readonly Dictionary<int, int> otherPlanes = [];
    private readonly List<int> extraCodePoints = [];
    private readonly int[]? byteTokens;

    /// <param name="areBytes">Units are bytes; else code points.</param>
    /// <param name="tokenCount">One more than the largest token id.</param>
    /// <param name="byteTokens">[256] or null; tokens of single bytes, −1 where missing, for characters without a token.</param>
    public SymbolTable(bool areBytes, int tokenCount, int[]? byteTokens)
    {
        AreBytes = areBytes;
        TokenCount = tokenCount;
        this.byteTokens = byteTokens;
        basicPlane = new int[areBytes ? 256 : 0x10000];
        Array.Fill(basicPlane, -1);
    }

    public bool AreBytes { get; }

    public int TokenCount { get; }

    /// <summary>Whether no unit can be without symbol.</summary>
    public bool IsComplete => AreBytes ? !basicPlane.Contains(-1) : byteTokens is not null && !byteTokens.Contains(-1);

    public void Set(int unit, int symbol)
    {
        if (unit < basicPlane.Length) basicPlane[unit] = symbol;
        else otherPlanes[unit] = symbol;
    }

    /// <summary>The symbol of a code point, made on the spot for one that is no token.</summary>
    public int OfOrNew(int codePoint)
    {
        int symbol = Of(codePoint);
        if (symbol >= 0) return symbol;
        symbol = TokenCount + extraCodePoints.Count;
        extraCodePoints.Add(codePoint);
        Set(codePoint, symbol);
        return symbol;
    }

    /// <summary>The symbol of a unit; −1 when it has none.</summary>
    public int Of(int unit)
    {
        if (unit < basicPlane.Length) return basicPlane[unit];
        return otherPlanes.TryGetValue(unit, out int symbol) ? symbol : -1;
    }

    public int UnitAt(ReadOnlySpan<byte> text, int i, out int length)
    {
        if (!AreBytes) return Utf8.CodePointAt(text, i, out length);
        length = 1;
        return text[i];
    }

    public bool IsToken(int symbol) => symbol < TokenCount;

    public int ByteToken(byte value) => byteTokens![value];

    public bool HasByteTokens(ReadOnlySpan<byte> character)
    {
        if (byteTokens is null) return false;
        foreach (byte b in character)
        {
            if (byteTokens[b] < 0) return false;
        }

        return true;
    }

    /// <summary>Appends the byte tokens of a symbol that is not a token.</summary>
    public bool TryGetByteTokens(int symbol, IntList ids)
    {
        Span<byte> character = stackalloc byte[4];
        character = character[..new Rune(extraCodePoints[symbol - TokenCount]).EncodeToUtf8(character)];
        if (!HasByteTokens(character)) return false;
        foreach (byte b in character) ids.Add(ByteToken(b));
        return true;
    }
}
