using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>Lookups by VPSHUFB on 32 rows at once.</summary>
internal sealed unsafe class PlaneKernel256 : PlaneKernel
{
    /// <inheritdoc/>
    public override void Sum(byte* plane, byte* mask, byte* tables, int byteRows, int* sums, nint ahead)
    {
        for (int lane = 0; lane < TileRows; lane += Lanes)
        {
            int* target = sums + (lane / LaneGroup * LaneGroup) + (lane % LaneGroup / 2);
            if (mask == null) SumPart(plane + lane, tables, byteRows, target, ahead);
            else SumPart(plane + lane, mask + lane, tables, byteRows, target, ahead);
        }
    }

    private const int Lanes = 32;

    private static void SumPart(byte* plane, byte* tables, int byteRows, int* sums, nint ahead)
    {
        Accumulator sum = default;
        for (int k = 0; k < byteRows; k += 2)
        {
            Sse.Prefetch0(plane + ahead);
            Sse.Prefetch0(plane + ahead + TileRows);
            sum.Add(Vector256.Load(plane), Vector256.Load(plane + TileRows), tables);
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
            sum.Add(Vector256.Load(plane) & Vector256.Load(mask), Vector256.Load(plane + TileRows) & Vector256.Load(mask + TileRows), tables);
            plane += 2 * TileRows;
            mask += 2 * TileRows;
            tables += 2 * TableBytes;
        }

        sum.Store(byteRows, sums);
    }

    /// <summary>Sums of low and high parts: of all lanes as 16-bit numbers, even lane + 256 · odd lane, and of the odd lanes alone.</summary>
    private struct Accumulator
    {
        private Vector256<ushort> low;
        private Vector256<ushort> lowOdd;
        private Vector256<ushort> high;
        private Vector256<ushort> highOdd;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector256<byte> first, Vector256<byte> second, byte* tables)
        {
            Vector256<byte> half = Vector256.Create((byte)15);
            Vector256<byte> n0 = first & half;
            Vector256<byte> n1 = (first.AsUInt16() >> 4).AsByte() & half;
            Vector256<byte> n2 = second & half;
            Vector256<byte> n3 = (second.AsUInt16() >> 4).AsByte() & half;
            Vector256<ushort> l = (Look(tables, n0) + Look(tables + 32, n1) + Look(tables + 64, n2) + Look(tables + 96, n3)).AsUInt16();
            Vector256<ushort> h = (Look(tables + 16, n0) + Look(tables + 48, n1) + Look(tables + 80, n2) + Look(tables + 112, n3)).AsUInt16();
            low += l;
            lowOdd += l >> 8;
            high += h;
            highOdd += h >> 8;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(int byteRows, int* sums)
        {
            Vector256<short> bias = Vector256.Create((short)(2 * HighBias * 16 * byteRows));
            Vector256<short> even = (((high - (highOdd << 8)) << 4) + (low - (lowOdd << 8))).AsInt16() - bias;
            Vector256<short> odd = ((highOdd << 4) + lowOdd).AsInt16() - bias;
            Vector256.Store(Vector256.WidenLower(even), sums);
            Vector256.Store(Vector256.WidenUpper(even), sums + 8);
            Vector256.Store(Vector256.WidenLower(odd), sums + (LaneGroup / 2));
            Vector256.Store(Vector256.WidenUpper(odd), sums + (LaneGroup / 2) + 8);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<byte> Look(byte* table, Vector256<byte> index)
            => Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table), index);
    }
}
