using System.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>
/// Stores which weights an N:M pattern keeps: each run of M columns is the rank of its choice among the C(M, N) possible ones, and several runs form one number to
/// the base C(M, N), because ⌈log₂ C(M, N)⌉ bits for each run alone would waste up to one bit per run.
/// </summary>
/// <remarks>The rank of a choice is the number of smaller M-bit numbers with N set bits, where bit k of the number is column k of the run (Lehmer's combinatorial number system).</remarks>
internal sealed class RunCode
{
    /// <summary>Choices that are looked up rather than worked out.</summary>
    private const int LargestTable = 1 << 14;
    private static readonly ulong[,] Binomials = PascalTriangle();

    private readonly int width;
    private readonly int fullRuns;
    private readonly int bundle;
    private readonly int bundleBits;
    private readonly int lastBits;
    private readonly int tailWidth;
    private readonly int tailKept;
    private readonly int tailBits;
    private readonly int kept;
    private readonly ulong choices;
    private readonly ulong[]? table;

    /// <summary>The code for a pattern and a width; it fixes the bits per row.</summary>
    /// <param name="pattern">N in 1 … M, M in 1 … 64.</param>
    /// <param name="columns">Columns of the matrix.</param>
    public RunCode(NOfM pattern, int columns)
    {
        (kept, width) = (pattern.N, pattern.M);
        choices = Binomials[width, kept];
        fullRuns = columns / width;
        tailWidth = columns % width;
        tailKept = tailWidth == 0 ? 0 : pattern.KeptOfRun(columns - tailWidth, columns);
        tailBits = BitsFor(Binomials[tailWidth, tailKept], 1);
        KeptPerRow = (fullRuns * kept) + tailKept;

        long best = long.MaxValue;
        for (int runs = 1; runs <= 64 && BitsFor(choices, runs) <= 64; runs++)
        {
            long bits = ((long)(fullRuns / runs) * BitsFor(choices, runs)) + BitsFor(choices, fullRuns % runs);
            if (bits >= best) continue;
            best = bits;
            bundle = runs;
        }

        bundleBits = BitsFor(choices, bundle);
        lastBits = BitsFor(choices, fullRuns % bundle);
        RowBits = (int)Math.Min(int.MaxValue, best + tailBits);
        if (choices <= LargestTable) table = Table(width, kept, (int)choices);
    }

    /// <summary>Bits of one row.</summary>
    public int RowBits { get; }

    /// <summary>Weights that each row keeps.</summary>
    public int KeptPerRow { get; }

    /// <summary>Whether a row keeps exactly what the pattern asks for in each run.</summary>
    public bool Follows(ReadOnlySpan<ulong> row)
    {
        for (int r = 0; r < fullRuns; r++)
        {
            if (BitOperations.PopCount(Run(row, r * width, width)) != kept) return false;
        }

        return BitOperations.PopCount(Run(row, fullRuns * width, tailWidth)) == tailKept;
    }

    /// <summary>Writes a row that <see cref="Follows"/> the pattern.</summary>
    /// <param name="row">[words], set bits are kept.</param>
    /// <param name="destination">Cleared bits.</param>
    /// <param name="bit">Where the row starts.</param>
    public void Write(ReadOnlySpan<ulong> row, Span<byte> destination, long bit)
    {
        for (int first = 0; first < fullRuns; first += bundle)
        {
            int runs = Math.Min(bundle, fullRuns - first);
            ulong number = 0;
            for (int r = first + runs - 1; r >= first; r--) number = (number * choices) + RankOf(Run(row, r * width, width));
            int bits = runs == bundle ? bundleBits : lastBits;
            BitPacking.Write(destination, bit, bits, number);
            bit += bits;
        }

        BitPacking.Write(destination, bit, tailBits, RankOf(Run(row, fullRuns * width, tailWidth)));
    }

    /// <summary>Reads a row.</summary>
    /// <param name="source">The bits of all rows.</param>
    /// <param name="bit">Where the row starts.</param>
    /// <param name="row">[words].</param>
    /// <returns>False when a number is too large for its runs.</returns>
    public bool TryRead(ReadOnlySpan<byte> source, long bit, Span<ulong> row)
    {
        row.Clear();
        int column = 0;
        for (int first = 0; first < fullRuns; first += bundle)
        {
            int runs = Math.Min(bundle, fullRuns - first);
            int bits = runs == bundle ? bundleBits : lastBits;
            ulong number = BitPacking.Read(source, bit, bits);
            bit += bits;
            for (int r = 0; r < runs; r++, column += width)
            {
                (ulong quotient, ulong rank) = Math.DivRem(number, choices);
                Put(row, column, table is not null ? table[(int)rank] : Choice(width, kept, rank));
                number = quotient;
            }

            if (number != 0) return false;
        }

        if (tailWidth == 0) return true;
        ulong tail = BitPacking.Read(source, bit, tailBits);
        if (tail >= Binomials[tailWidth, tailKept]) return false;
        Put(row, column, Choice(tailWidth, tailKept, tail));
        return true;
    }

    /// <summary>The number of smaller numbers with as many set bits.</summary>
    internal static ulong RankOf(ulong choice)
    {
        ulong rank = 0;
        for (int t = 1; choice != 0; choice &= choice - 1, t++) rank += Binomials[BitOperations.TrailingZeroCount(choice), t];
        return rank;
    }

    /// <summary>The number of <paramref name="width"/> bits, <paramref name="kept"/> of them set, that has this rank.</summary>
    internal static ulong Choice(int width, int kept, ulong rank)
    {
        ulong choice = 0;
        int p = width - 1;
        for (int t = kept; t > 0; t--, p--)
        {
            while (Binomials[p, t] > rank) p--;
            rank -= Binomials[p, t];
            choice |= 1ul << p;
        }

        return choice;
    }

    private static ulong Run(ReadOnlySpan<ulong> row, int column, int width)
    {
        if (width == 0) return 0;
        int w = column >> 6;
        int shift = column & 63;
        ulong run = row[w] >> shift;
        if (shift + width > 64) run |= row[w + 1] << (64 - shift);
        return width == 64 ? run : run & ((1ul << width) - 1);
    }

    private static void Put(Span<ulong> row, int column, ulong choice)
    {
        int w = column >> 6;
        int shift = column & 63;
        row[w] |= choice << shift;
        if (shift != 0 && choice >> (64 - shift) is ulong rest and not 0) row[w + 1] |= rest;
    }

    /// <summary>⌈log₂ base^runs⌉, or 65 where that is above 64.</summary>
    private static int BitsFor(ulong number, int runs)
    {
        UInt128 power = 1;
        for (int r = 0; r < runs; r++)
        {
            power *= number;
            if (power > (UInt128)ulong.MaxValue + 1) return 65;
        }

        return 128 - (int)UInt128.LeadingZeroCount(power - 1);
    }

    private static ulong[] Table(int width, int kept, int count)
    {
        var table = new ulong[count];
        for (int rank = 0; rank < count; rank++) table[rank] = Choice(width, kept, (ulong)rank);
        return table;
    }

    private static ulong[,] PascalTriangle()
    {
        var table = new ulong[NOfM.LargestRun + 1, NOfM.LargestRun + 1];
        for (int n = 0; n <= NOfM.LargestRun; n++)
        {
            table[n, 0] = 1;
            for (int k = 1; k <= n; k++) table[n, k] = table[n - 1, k - 1] + (k < n ? table[n - 1, k] : 0);
        }

        return table;
    }
}
