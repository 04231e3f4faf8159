using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Packing;

/// <summary>Runs of 0 to 64 bits anywhere in bytes (bit n is bit n mod 8 of byte n / 8), and rows of bits from which the cleared positions of a mask are left out.</summary>
internal static class BitPacking
{
    /// <summary>Reads <paramref name="count"/> bits; bytes beyond the end count as zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(ReadOnlySpan<byte> source, long bit, int count)
    {
        int at = (int)(bit >> 3);
        int shift = (int)(bit & 7);
        if (at + 9 > source.Length) return ReadNearEnd(source, bit, count);
        ulong word = BinaryPrimitives.ReadUInt64LittleEndian(source[at..]) >> shift;
        if (shift + count > 64) word |= (ulong)source[at + 8] << (64 - shift);
        return count == 64 ? word : word & ((1ul << count) - 1);
    }

    /// <summary>Writes the lowest <paramref name="count"/> bits of <paramref name="value"/>, whose others are zero, into cleared bits.</summary>
    public static void Write(Span<byte> destination, long bit, int count, ulong value)
    {
        for (int done = 0; done < count;)
        {
            int at = (int)((bit + done) >> 3);
            int shift = (int)((bit + done) & 7);
            destination[at] |= (byte)(value >> done << shift);
            done += 8 - shift;
        }
    }

    /// <summary>Reads a row from which a mask had left out bits.</summary>
    /// <param name="source">Bits of the set positions of the mask, one after the other.</param>
    /// <param name="bit">The first of them.</param>
    /// <param name="mask">[words].</param>
    /// <param name="row">[words]; cleared where the mask is.</param>
    public static void Expand(ReadOnlySpan<byte> source, long bit, ReadOnlySpan<ulong> mask, Span<ulong> row)
    {
        for (int w = 0; w < mask.Length; w++)
        {
            ulong positions = mask[w];
            int count = BitOperations.PopCount(positions);
            ulong bits = Read(source, bit, count);
            row[w] = positions == ulong.MaxValue ? bits : Deposit(bits, positions);
            bit += count;
        }
    }

    /// <summary>Writes the bits of a row at the set positions of a mask, one after the other, into cleared bits.</summary>
    /// <returns>The bit after the last one written.</returns>
    public static long Compact(ReadOnlySpan<ulong> row, ReadOnlySpan<ulong> mask, Span<byte> destination, long bit)
    {
        for (int w = 0; w < mask.Length; w++)
        {
            int count = BitOperations.PopCount(mask[w]);
            Write(destination, bit, count, Extract(row[w], mask[w]));
            bit += count;
        }

        return bit;
    }

    /// <summary>Spreads the lowest bits over the set positions of a mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Deposit(ulong bits, ulong mask) => Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitDeposit(bits, mask) : DepositScalar(bits, mask);

    /// <summary>Gathers the bits at the set positions of a mask.</summary>
    public static ulong Extract(ulong bits, ulong mask) => Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitExtract(bits, mask) : ExtractScalar(bits, mask);

    /// <summary>The definition of <see cref="Deposit"/>.</summary>
    public static ulong DepositScalar(ulong bits, ulong mask)
    {
        ulong result = 0;
        for (; mask != 0; mask &= mask - 1, bits >>= 1)
        {
            if ((bits & 1) != 0) result |= mask & (~mask + 1);
        }

        return result;
    }

    /// <summary>The definition of <see cref="Extract"/>.</summary>
    public static ulong ExtractScalar(ulong bits, ulong mask)
    {
        ulong result = 0;
        for (int k = 0; mask != 0; mask &= mask - 1, k++)
        {
            if ((bits & mask & (~mask + 1)) != 0) result |= 1ul << k;
        }

        return result;
    }

    private static ulong ReadNearEnd(ReadOnlySpan<byte> source, long bit, int count)
    {
        ulong word = 0;
        for (int done = 0; done < count;)
        {
            int at = (int)((bit + done) >> 3);
            int shift = (int)((bit + done) & 7);
            if (at < source.Length) word |= (ulong)(source[at] >> shift) << done;
            done += 8 - shift;
        }

        return count == 64 ? word : word & ((1ul << count) - 1);
    }
}
