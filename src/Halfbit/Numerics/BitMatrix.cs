using System.Numerics;

namespace Halfbit.Numerics;

/// <summary>A matrix of bits, [rows, columns]; each row starts on a 64-bit word. Bit j of a row is bit j mod 64 of its word j / 64.</summary>
public sealed class BitMatrix
{
    /// <summary>A matrix of cleared bits.</summary>
    public BitMatrix(int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        Rows = rows;
        Columns = columns;
        WordsPerRow = (columns + 63) / 64;
        Words = new ulong[checked(rows * WordsPerRow)];
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Number of columns.</summary>
    public int Columns { get; }

    /// <summary>64-bit words per row: ⌈columns / 64⌉. Bits past the last column are zero.</summary>
    public int WordsPerRow { get; }

    /// <summary>[rows·<see cref="WordsPerRow"/>].</summary>
    public ulong[] Words { get; }

    /// <summary>Bit (<paramref name="i"/>, <paramref name="j"/>). Setting is not safe from several threads within one row.</summary>
    public bool this[int i, int j]
    {
        get => (Words[(i * WordsPerRow) + (j >> 6)] >> (j & 63) & 1) != 0;
        set
        {
            ref ulong word = ref Words[(i * WordsPerRow) + (j >> 6)];
            ulong bit = 1ul << (j & 63);
            word = value ? word | bit : word & ~bit;
        }
    }

    /// <summary>The words of row <paramref name="i"/>.</summary>
    public Span<ulong> Row(int i) => Words.AsSpan(i * WordsPerRow, WordsPerRow);

    /// <summary>Number of set bits.</summary>
    public long CountSet()
    {
        long count = 0;
        foreach (ulong word in Words) count += BitOperations.PopCount(word);
        return count;
    }
}
