using System.Runtime.Intrinsics;

namespace Halfbit.Kernels;

/// <summary>The bits of rows in the columns of a strip, up to 128 of them, and the planes they make.</summary>
internal static unsafe class PlaneBits
{
    /// <summary>Bits of columns 0 to 127 of one row: bit n of the number is column n of the strip.</summary>
    /// <param name="row">The words of a row of a bit matrix.</param>
    /// <param name="strip">Which columns.</param>
    public static UInt128 Gather(ReadOnlySpan<ulong> row, Strip strip)
    {
        int count = strip.Columns.Length;
        if (strip.IsContiguous)
        {
            int word = strip.Columns[0] >> 6;
            int shift = strip.Columns[0] & 63;
            UInt128 bits = new UInt128(At(row, word + 1), row[word]) >> shift;
            if (shift > 0) bits |= new UInt128(At(row, word + 2) << (64 - shift), 0);
            return count == MostColumns ? bits : bits & ((UInt128.One << count) - 1);
        }

        UInt128 gathered = 0;
        for (int n = 0; n < count; n++)
        {
            int column = strip.Columns[n];
            gathered |= (UInt128)(row[column >> 6] >> (column & 63) & 1) << n;
        }

        return gathered;
    }

    /// <summary>Bit <paramref name="bit"/> of each of up to 128 codes.</summary>
    /// <param name="codes">[128].</param>
    /// <param name="bit">0 to 7.</param>
    public static UInt128 OfCodes(byte* codes, int bit)
    {
        ulong Part(byte* from) => (Vector512.Load(from).AsUInt16() << (7 - bit)).AsByte().ExtractMostSignificantBits();
        return new UInt128(Part(codes + 64), Part(codes));
    }

    /// <summary>Writes a plane of a tile.</summary>
    /// <param name="plane">[words][128], zeroed.</param>
    /// <param name="words">Columns ÷ 16.</param>
    /// <param name="stride">Bytes from one line to the next.</param>
    /// <param name="rows">Rows of the tile, 1 to 128; the others stay 0.</param>
    /// <param name="bitsOf">The bits of a row of the tile.</param>
    public static void Write(byte* plane, int words, nint stride, int rows, Func<int, UInt128> bitsOf)
    {
        for (int p = 0; p < PlaneKernel.TileRows; p++)
        {
            int r = PlaneKernel.RowOfLane(p);
            if (r >= rows) continue;
            UInt128 bits = bitsOf(r);
            byte* at = plane + (p / LineLanes * stride);
            for (int k = 0; k < words; k++, at += PlaneKernel.WordLines * stride) ((ushort*)at)[p % LineLanes] = (ushort)(bits >> (k * PlaneKernel.WordColumns));
        }
    }

    /// <summary>The bits of a row of a tile, as <see cref="Write"/> left them.</summary>
    /// <param name="plane">[words][128].</param>
    /// <param name="words">Columns ÷ 16.</param>
    /// <param name="stride">Bytes from one line to the next.</param>
    /// <param name="row">0 to 127.</param>
    public static UInt128 Read(byte* plane, int words, nint stride, int row)
    {
        UInt128 bits = 0;
        int lane = HalfScales.PlaceOf(row);
        byte* at = plane + (lane / LineLanes * stride);
        for (int k = 0; k < words; k++, at += PlaneKernel.WordLines * stride) bits |= (UInt128)((ushort*)at)[lane % LineLanes] << (k * PlaneKernel.WordColumns);
        return bits;
    }

    /// <summary>c ← a ⊕ b, planes of some words with the strides of their lines.</summary>
    public static void Xor(byte* a, byte* b, int words, nint strideA, nint strideB, byte* c, nint strideC)
    {
        for (int line = 0; line < words * PlaneKernel.WordLines; line++, a += strideA, b += strideB, c += strideC) (Vector512.Load(a) ^ Vector512.Load(b)).Store(c);
    }

    /// <summary>c ← a ⊕ b, planes that lie together, into one that lies alone.</summary>
    public static void Xor(byte* a, byte* b, int words, nint stride, byte* c, nint strideC) => Xor(a, b, words, stride, stride, c, strideC);

    private const int LineLanes = PlaneKernel.Line / sizeof(ushort);
    private const int MostColumns = PlaneKernel.MostColumns;

    private static ulong At(ReadOnlySpan<ulong> row, int word) => word < row.Length ? row[word] : 0;
}
