using System.Numerics;

namespace Halfbit.Packing;

/// <summary>The salient columns, or all others: which they are, which groups they use, and in which order their marks are nested.</summary>
internal sealed class ColumnKind
{
    /// <summary>The columns of one kind.</summary>
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="isMember">[columns]; null: all columns.</param>
    /// <param name="side">Which value of <paramref name="isMember"/> is this kind.</param>
    /// <param name="blockWidth">Columns that share row scales.</param>
    /// <param name="order">The kind's groups: the first mask tells the first group from the rest, the next the second from what is left, and so on.</param>
    public ColumnKind(int columns, bool[]? isMember, bool side, int blockWidth, int[] order)
    {
        Order = order;
        int blocks = ((columns - 1) / blockWidth) + 1;
        Words = new ulong[(columns + 63) / 64];
        if (isMember is null)
        {
            Array.Fill(Words, ulong.MaxValue);
            if ((columns & 63) != 0) Words[^1] = (1ul << (columns & 63)) - 1;
            (Count, BlockCount) = (columns, blocks);
            return;
        }

        for (int j = 0; j < columns; j++)
        {
            if (isMember[j] == side) Words[j >> 6] |= 1ul << (j & 63);
        }

        Columns = [.. Enumerable.Range(0, columns).Where(j => isMember[j] == side)];
        Blocks = [.. Columns.Select(j => j / blockWidth).Distinct()];
        (Count, BlockCount) = (Columns.Length, Blocks.Length);
    }

    /// <summary>The kind's groups, in the order in which they are told apart.</summary>
    public int[] Order { get; }

    /// <summary>Number of columns.</summary>
    public int Count { get; }

    /// <summary>The columns in ascending order; null: all columns of the matrix.</summary>
    public int[]? Columns { get; }

    /// <summary>[words]; the columns as bits.</summary>
    public ulong[] Words { get; }

    /// <summary>Scale blocks with at least one column of the kind: only for these are row scales stored.</summary>
    public int BlockCount { get; }

    /// <summary>Those blocks in ascending order; null: all blocks.</summary>
    public int[]? Blocks { get; }

    /// <summary>Scale block number <paramref name="n"/> of those with a column of the kind.</summary>
    public int Block(int n) => Blocks is null ? n : Blocks[n];

    /// <summary>Column number <paramref name="n"/> of the kind.</summary>
    public int Column(int n) => Columns is null ? n : Columns[n];

    /// <summary>The bits of a row in the columns of the kind, one after the other.</summary>
    /// <param name="row">[words].</param>
    /// <param name="compact">[⌈count / 64⌉], cleared.</param>
    public void Compact(ReadOnlySpan<ulong> row, Span<ulong> compact)
    {
        int bit = 0;
        for (int w = 0; w < Words.Length; w++)
        {
            int count = BitOperations.PopCount(Words[w]);
            ulong bits = BitPacking.Extract(row[w], Words[w]);
            if (count == 0) continue;
            compact[bit >> 6] |= bits << (bit & 63);
            if ((bit & 63) + count > 64) compact[(bit >> 6) + 1] |= bits >> (64 - (bit & 63));
            bit += count;
        }
    }
}
