namespace Halfbit.Tokenization;

/// <summary>A text cut into pieces that are encoded independently.</summary>
/// <param name="text">UTF-8; the pieces are ranges of it, in order, possibly with gaps.</param>
/// <param name="startsText">Whether the text is the beginning of what the caller gave, not the part after an added token.</param>
internal sealed class Pieces(ReadOnlyMemory<byte> text, bool startsText)
{
    private readonly IntList bounds = new();

    public ReadOnlyMemory<byte> Text { get; } = text;

    public bool StartsText { get; } = startsText;

    public int Count => bounds.Count / 2;

    /// <summary>A text that is one piece, or none when it is empty.</summary>
    public static Pieces Whole(ReadOnlyMemory<byte> text, bool startsText)
    {
        var pieces = new Pieces(text, startsText);
        pieces.Add(0, text.Length);
        return pieces;
    }

    /// <summary>First and end byte of piece <paramref name="i"/>.</summary>
    public (int Start, int End) Bounds(int i) => (bounds[2 * i], bounds[(2 * i) + 1]);

    public ReadOnlySpan<byte> Piece(int i) => Text.Span[bounds[2 * i]..bounds[(2 * i) + 1]];

    /// <summary>Adds a piece, unless it is empty.</summary>
    public void Add(int start, int end)
    {
        if (start == end) return;
        bounds.Add(start);
        bounds.Add(end);
    }
}
