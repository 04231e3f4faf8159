namespace Halfbit.Tokenization;

/// <summary>Cuts pieces into smaller ones, across which nothing is merged; some also rewrite the text.</summary>
internal abstract class Pretokenizer
{
    public abstract Pieces Apply(Pieces pieces);
}

/// <summary>One after another.</summary>
internal sealed class PretokenizerSequence(IReadOnlyList<Pretokenizer> parts) : Pretokenizer
{
    public override Pieces Apply(Pieces pieces)
    {
        foreach (Pretokenizer part in parts) pieces = part.Apply(pieces);
        return pieces;
    }
}

/// <summary>Puts a space before each piece that does not begin with one (ByteLevel with add_prefix_space).</summary>
internal sealed class PrefixSpacePretokenizer : Pretokenizer
{
    public override Pieces Apply(Pieces pieces)
    {
        var text = new ByteList(pieces.Text.Length + 16);
        var ends = new IntList();
        for (int i = 0; i < pieces.Count; i++)
        {
            ReadOnlySpan<byte> piece = pieces.Piece(i);
            if (piece[0] != ' ') text.Add((byte)' ');
            text.Add(piece);
            ends.Add(text.Count);
        }

        var result = new Pieces(text.Memory, pieces.StartsText);
        for (int i = 0; i < ends.Count; i++) result.Add(i == 0 ? 0 : ends[i - 1], ends[i]);
        return result;
    }
}

/// <summary>When ▁ is put before a piece.</summary>
internal enum PrependScheme
{
    /// <summary>Before each piece.</summary>
    Always,

    /// <summary>Before the piece that begins the text.</summary>
    First,

    /// <summary>Not at all.</summary>
    Never,
}

/// <summary>Writes spaces as a visible mark, puts the mark before pieces, and may cut before each mark.</summary>
internal sealed class MetaspacePretokenizer(byte[] mark, PrependScheme scheme, bool splits) : Pretokenizer
{
    public override Pieces Apply(Pieces pieces)
    {
        var text = new ByteList(pieces.Text.Length + (pieces.Text.Length / 2) + 16);
        var cuts = new IntList();
        for (int i = 0; i < pieces.Count; i++)
        {
            cuts.Add(text.Count);
            int pieceStart = text.Count;
            ReadOnlySpan<byte> piece = pieces.Piece(i);
            bool startsMarked = piece[0] == ' ' || piece.StartsWith(mark);
            bool isFirst = pieces.StartsText && pieces.Bounds(i).Start == 0;
            if (!startsMarked && (scheme == PrependScheme.Always || (scheme == PrependScheme.First && isFirst))) text.Add(mark);
            text.AddReplacing(piece, " "u8, mark);
            if (!splits) continue;

            int from = pieceStart + 1;
            for (int found = text.Span[from..].IndexOf(mark); found >= 0; found = text.Span[from..].IndexOf(mark))
            {
                cuts.Add(from + found);
                from += found + 1;
            }
        }

        var result = new Pieces(text.Memory, pieces.StartsText);
        for (int i = 0; i < cuts.Count; i++) result.Add(cuts[i], i + 1 < cuts.Count ? cuts[i + 1] : text.Count);
        return result;
    }
}
