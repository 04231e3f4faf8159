using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>
/// The tables of kernels that look bytes up: for each four activations the 16 sums that four bits can select. Such a sum needs ten bits, so an activation is split, q = 16·h + l with l in
/// 0 … 15 and h in −8 … 7, and both parts have a table of their own, h with <see cref="HighBias"/> added: sums of four are at most 60, and four of them still fit a byte.
/// </summary>
internal static unsafe class HalfByteTables
{
    /// <summary>Bytes for eight columns: two half bytes, 16 low and 16 high sums each.</summary>
    public const int ByteCount = 64;

    /// <summary>Added to the high sum of four activations.</summary>
    public const int HighBias = 32;

    private const int Columns = 8;

    /// <summary>Builds the tables.</summary>
    /// <param name="values">[8 · byteRows], q.</param>
    /// <param name="byteRows">Columns ÷ 8.</param>
    /// <param name="tables">[byteRows][64], receives them; [byteRows][128] if each is there twice.</param>
    /// <param name="areTwice">Whether each table follows itself, so that a load of 32 bytes brings it to both halves of a vector.</param>
    /// <remarks>Entry e of a table is the sum over the bits k of e of activation k: four lookups of that activation, which give 0 where bit k of e is clear. The lower half of a vector
    /// makes the table of low parts, the upper one that of high parts.</remarks>
    public static void Build(sbyte* values, int byteRows, byte* tables, bool areTwice)
    {
        Vector256<byte> bit0 = Index(0), bit1 = Index(1), bit2 = Index(2), bit3 = Index(3);
        Vector256<byte> bit4 = Index(4), bit5 = Index(5), bit6 = Index(6), bit7 = Index(7);

        // q + 128 = 16·(h + 8) + l; the table of high parts makes up for the eights.
        Vector256<byte> offset = Vector256.Create(Vector128<byte>.Zero, Vector128.Create((byte)32, 24, 24, 16, 24, 16, 16, 8, 24, 16, 16, 8, 16, 8, 8, 0));
        int step = areTwice ? 2 * ByteCount : ByteCount;
        for (int k = 0; k < byteRows; k++, tables += step)
        {
            Vector128<byte> q = Vector128.CreateScalarUnsafe(*(ulong*)(values + (k * Columns))).AsByte();
            Vector128<byte> low = q & Vector128.Create((byte)15);
            Vector128<byte> high = ((q ^ Vector128.Create((byte)128)).AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15);
            Vector256<byte> parts = Vector256.Create(low, high);
            Vector256<byte> first = Look(parts, bit0) + Look(parts, bit1) + (Look(parts, bit2) + Look(parts, bit3)) + offset;
            Vector256<byte> second = Look(parts, bit4) + Look(parts, bit5) + (Look(parts, bit6) + Look(parts, bit7)) + offset;
            if (areTwice)
            {
                StoreTwice(first, tables);
                StoreTwice(second, tables + ByteCount);
            }
            else
            {
                first.Store(tables);
                second.Store(tables + (ByteCount / 2));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTwice(Vector256<byte> both, byte* tables)
    {
        Vector256.Create(both.GetLower(), both.GetLower()).Store(tables);
        Vector256.Create(both.GetUpper(), both.GetUpper()).Store(tables + 32);
    }

    /// <summary>k where bit k (or k − 4) of the position is set, else a number that no lookup finds.</summary>
    private static Vector256<byte> Index(int k)
    {
        const byte None = 0xF0;
        Vector128<byte> position = Vector128<byte>.Indices;
        Vector128<byte> bit = Vector128.Create((byte)(1 << (k & 3)));
        Vector128<byte> index = Vector128.ConditionalSelect(Vector128.Equals(position & bit, bit), Vector128.Create((byte)k), Vector128.Create(None));
        return Vector256.Create(index, index);
    }

    /// <summary>Looks up in each half of a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Look(Vector256<byte> table, Vector256<byte> index) => Avx2.IsSupported
        ? Avx2.Shuffle(table, index)
        : Vector256.Create(Vector128.ShuffleNative(table.GetLower(), index.GetLower()), Vector128.ShuffleNative(table.GetUpper(), index.GetUpper()));
}
