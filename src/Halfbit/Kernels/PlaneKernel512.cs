using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>Lookups by VPSHUFB on 64 rows at once.</summary>
internal sealed unsafe class PlaneKernel512 : PlaneKernel
{
    /// <inheritdoc/>
    public override void Sum(byte* plane, byte* mask, byte* tables, int byteRows, int* sums, nint ahead)
    {
        if (mask == null) SumPart(plane, tables, byteRows, sums, ahead);
        else SumPart(plane, mask, tables, byteRows, sums, ahead);
    }

    private const int Lanes = 64;

    private static void SumPart(byte* plane, byte* tables, int byteRows, int* sums, nint ahead)
    {
        Accumulator sum = default;
        for (int k = 0; k < byteRows; k += 2)
        {
            Sse.Prefetch0(plane + ahead);
            Sse.Prefetch0(plane + ahead + TileRows);
            sum.Add(Vector512.Load(plane), Vector512.Load(plane + TileRows), tables);
            plane += 2 * TileRows;
            tables += 2 * TableBytes;
        }

        sum.Store(byteRows, sums);
    }

    private static void SumPart(byte* plane, byte* mask, byte* tables, int byteRows, int* sums, nint ahead)
    {
        Accumulator sum = default;
        for (int k = 0; k < byteRows; k += 2)
        {
            Sse.Prefetch0(plane + ahead);
            Sse.Prefetch0(plane + ahead + TileRows);
            sum.Add(Vector512.Load(plane) & Vector512.Load(mask), Vector512.Load(plane + TileRows) & Vector512.Load(mask + TileRows), tables);
            plane += 2 * TileRows;
            mask += 2 * TileRows;
            tables += 2 * TableBytes;
        }

        sum.Store(byteRows, sums);
    }

    /// <summary>Sums of low and high parts: of all lanes as 16-bit numbers, even lane + 256 · odd lane, and of the odd lanes alone.</summary>
    private struct Accumulator
    {
        private Vector512<ushort> low;
        private Vector512<ushort> lowOdd;
        private Vector512<ushort> high;
        private Vector512<ushort> highOdd;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector512<byte> first, Vector512<byte> second, byte* tables)
        {
            Vector512<byte> half = Vector512.Create((byte)15);
            Vector512<byte> n0 = first & half;
            Vector512<byte> n1 = (first.AsUInt16() >> 4).AsByte() & half;
            Vector512<byte> n2 = second & half;
            Vector512<byte> n3 = (second.AsUInt16() >> 4).AsByte() & half;
            Vector512<ushort> l = (Look(tables, n0) + Look(tables + 32, n1) + Look(tables + 64, n2) + Look(tables + 96, n3)).AsUInt16();
            Vector512<ushort> h = (Look(tables + 16, n0) + Look(tables + 48, n1) + Look(tables + 80, n2) + Look(tables + 112, n3)).AsUInt16();
            low += l;
            lowOdd += l >> 8;
            high += h;
            highOdd += h >> 8;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(int byteRows, int* sums)
        {
            Vector512<short> bias = Vector512.Create((short)(2 * HighBias * 16 * byteRows));
            Vector512<short> even = (((high - (highOdd << 8)) << 4) + (low - (lowOdd << 8))).AsInt16() - bias;
            Vector512<short> odd = ((highOdd << 4) + lowOdd).AsInt16() - bias;
            Vector512.Store(Vector512.WidenLower(even), sums);
            Vector512.Store(Vector512.WidenUpper(even), sums + 16);
            Vector512.Store(Vector512.WidenLower(odd), sums + (TileRows / 2));
            Vector512.Store(Vector512.WidenUpper(odd), sums + (TileRows / 2) + 16);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<byte> Look(byte* table, Vector512<byte> index)
            => Avx512BW.Shuffle(Avx512F.BroadcastVector128ToVector512((int*)table).AsByte(), index);
    }
}
