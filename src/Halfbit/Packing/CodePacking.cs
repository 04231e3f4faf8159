using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Packing;

/// <summary>Codes of 0 to 8 bits, one after the other without gaps, lowest bit first: code k holds bits k·bits .. k·bits + bits − 1, and bit n is bit n mod 8 of byte n / 8.</summary>
internal static class CodePacking
{
    /// <summary>Bytes of <paramref name="count"/> codes.</summary>
    public static long ByteCount(long count, int bits) => ((count * bits) + 7) / 8;

    /// <summary>Writes codes into cleared bytes.</summary>
    /// <param name="codes">[n], each below 2^bits.</param>
    /// <param name="bits">Bits per code, 0 to 8.</param>
    /// <param name="firstBit">Where the first code starts.</param>
    /// <param name="destination">Cleared from that bit on.</param>
    public static void Write(ReadOnlySpan<byte> codes, int bits, long firstBit, Span<byte> destination)
    {
        if (bits == 0) return;
        long bit = firstBit;
        foreach (byte code in codes)
        {
            int at = (int)(bit >> 3);
            int shifted = code << (int)(bit & 7);
            destination[at] |= (byte)shifted;
            if (shifted > 0xFF) destination[at + 1] |= (byte)(shifted >> 8);
            bit += bits;
        }
    }

    /// <summary>Reads codes.</summary>
    /// <param name="source">The packed bytes; only those that hold the codes are touched.</param>
    /// <param name="firstBit">Where the first code starts.</param>
    /// <param name="bits">Bits per code, 0 to 8.</param>
    /// <param name="codes">[n]; n codes are read.</param>
    public static void Read(ReadOnlySpan<byte> source, long firstBit, int bits, Span<byte> codes)
    {
        if (bits == 0)
        {
            codes.Clear();
            return;
        }

        int done = 0;
        long bit = firstBit;
        if (bits == 8 && (firstBit & 7) == 0)
        {
            source.Slice((int)(firstBit >> 3), codes.Length).CopyTo(codes);
            return;
        }

        if (Bmi2.X64.IsSupported && bits < 8)
        {
            // Eight codes are at most 56 bits, so that with a shift of at most 7 they lie within one 64-bit word; deposit gives each a byte of its own.
            ulong lanes = 0x0101_0101_0101_0101ul * ((1ul << bits) - 1);
            for (; done + 8 <= codes.Length && (bit >> 3) + 8 <= source.Length; done += 8, bit += 8 * bits)
            {
                ulong word = BinaryPrimitives.ReadUInt64LittleEndian(source[(int)(bit >> 3)..]) >> (int)(bit & 7);
                BinaryPrimitives.WriteUInt64LittleEndian(codes[done..], Bmi2.X64.ParallelBitDeposit(word, lanes));
            }
        }

        ReadScalar(source, bit, bits, codes[done..]);
    }

    /// <summary>The definition of <see cref="Read"/> for 1 to 8 bits.</summary>
    public static void ReadScalar(ReadOnlySpan<byte> source, long firstBit, int bits, Span<byte> codes)
    {
        long bit = firstBit;
        int mask = (1 << bits) - 1;
        for (int k = 0; k < codes.Length; k++, bit += bits) codes[k] = (byte)(At(source, bit, bits) & mask);
    }

    /// <summary>One code.</summary>
    public static int At(ReadOnlySpan<byte> source, long bit, int bits)
    {
        int at = (int)(bit >> 3);
        int shift = (int)(bit & 7);
        int word = source[at];
        if (shift + bits > 8) word |= source[at + 1] << 8;
        return (word >> shift) & ((1 << bits) - 1);
    }
}
