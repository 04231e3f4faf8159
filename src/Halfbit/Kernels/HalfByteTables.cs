using System.Runtime.Intrinsics;

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
    /// <param name="tables">[byteRows][64], receives them.</param>
    /// <remarks>Entry e of a table is the sum over the bits k of e of activation k: four lookups of that activation, which give 0 where bit k of e is clear.</remarks>
    public static void Build(sbyte* values, int byteRows, byte* tables)
    {
        Vector128<byte> bit0 = Index(0), bit1 = Index(1), bit2 = Index(2), bit3 = Index(3);
        Vector128<byte> four = Vector128.Create((byte)4);

        // q + 128 = 16·(h + 8) + l; the table of high parts makes up for the eights.
        Vector128<byte> offset = Vector128.Create((byte)32, 24, 24, 16, 24, 16, 16, 8, 24, 16, 16, 8, 16, 8, 8, 0);
        for (int k = 0; k < byteRows; k++, tables += ByteCount)
        {
            Vector128<byte> q = Vector128.CreateScalar(*(ulong*)(values + (k * Columns))).AsByte();
            Vector128<byte> low = q & Vector128.Create((byte)15);
            Vector128<byte> high = ((q ^ Vector128.Create((byte)128)).AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15);
            Sums(low, bit0, bit1, bit2, bit3).Store(tables);
            (Sums(high, bit0, bit1, bit2, bit3) + offset).Store(tables + 16);
            Sums(low, bit0 + four, bit1 + four, bit2 + four, bit3 + four).Store(tables + 32);
            (Sums(high, bit0 + four, bit1 + four, bit2 + four, bit3 + four) + offset).Store(tables + 48);
        }
    }

    /// <summary>k where bit k of the position is set, else a number that no lookup finds, not even 4 further.</summary>
    private static Vector128<byte> Index(int k)
    {
        const byte None = 0xF0;
        Vector128<byte> position = Vector128<byte>.Indices;
        Vector128<byte> bit = Vector128.Create((byte)(1 << k));
        return Vector128.ConditionalSelect(Vector128.Equals(position & bit, bit), Vector128.Create((byte)k), Vector128.Create(None));
    }

    private static Vector128<byte> Sums(Vector128<byte> parts, Vector128<byte> bit0, Vector128<byte> bit1, Vector128<byte> bit2, Vector128<byte> bit3)
        => Vector128.ShuffleNative(parts, bit0) + Vector128.ShuffleNative(parts, bit1) + (Vector128.ShuffleNative(parts, bit2) + Vector128.ShuffleNative(parts, bit3));
}
