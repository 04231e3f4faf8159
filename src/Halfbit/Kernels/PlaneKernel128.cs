using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>Lookups on 16 rows at once, with whatever byte shuffle the machine has (PSHUFB, TBL).</summary>
internal sealed unsafe class PlaneKernel128 : PlaneKernel
{
    /// <inheritdoc/>
    public override void Sum(byte* plane, byte* mask, byte* tables, int byteRows, int* sums, nint ahead)
    {
        for (int lane = 0; lane < TileRows; lane += Lanes)
        {
            int* target = sums + (lane / LaneGroup * LaneGroup) + (lane % LaneGroup / 4);
            if (mask == null) SumPart(plane + lane, tables, byteRows, target, ahead);
            else SumPart(plane + lane, mask + lane, tables, byteRows, target, ahead);
        }
    }

    private const int Lanes = 16;

    private static void SumPart(byte* plane, byte* tables, int byteRows, int* sums, nint ahead)
    {
        Accumulator sum = default;
        for (int k = 0; k < byteRows; k += 2)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(plane + ahead);
                Sse.Prefetch0(plane + ahead + TileRows);
            }

            sum.Add(Vector128.Load(plane), Vector128.Load(plane + TileRows), tables);
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
            if (Sse.IsSupported)
            {
                Sse.Prefetch0(plane + ahead);
                Sse.Prefetch0(plane + ahead + TileRows);
            }

            sum.Add(Vector128.Load(plane) & Vector128.Load(mask), Vector128.Load(plane + TileRows) & Vector128.Load(mask + TileRows), tables);
            plane += 2 * TileRows;
            mask += 2 * TileRows;
            tables += 2 * TableBytes;
        }

        sum.Store(byteRows, sums);
    }

    /// <summary>Sums of low and high parts: of all lanes as 16-bit numbers, even lane + 256 · odd lane, and of the odd lanes alone.</summary>
    private struct Accumulator
    {
        private Vector128<ushort> low;
        private Vector128<ushort> lowOdd;
        private Vector128<ushort> high;
        private Vector128<ushort> highOdd;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector128<byte> first, Vector128<byte> second, byte* tables)
        {
            Vector128<byte> half = Vector128.Create((byte)15);
            Vector128<byte> n0 = first & half;
            Vector128<byte> n1 = (first.AsUInt16() >> 4).AsByte() & half;
            Vector128<byte> n2 = second & half;
            Vector128<byte> n3 = (second.AsUInt16() >> 4).AsByte() & half;
            Vector128<ushort> l = (Look(tables, n0) + Look(tables + 32, n1) + Look(tables + 64, n2) + Look(tables + 96, n3)).AsUInt16();
            Vector128<ushort> h = (Look(tables + 16, n0) + Look(tables + 48, n1) + Look(tables + 80, n2) + Look(tables + 112, n3)).AsUInt16();
            low += l;
            lowOdd += l >> 8;
            high += h;
            highOdd += h >> 8;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(int byteRows, int* sums)
        {
            Vector128<short> bias = Vector128.Create((short)(2 * HighBias * 16 * byteRows));
            Vector128<int> even = (Even - bias).AsInt32();
            Vector128<int> odd = (Odd - bias).AsInt32();
            ((even << 16) >> 16).Store(sums);
            (even >> 16).Store(sums + Quarter);
            ((odd << 16) >> 16).Store(sums + (2 * Quarter));
            (odd >> 16).Store(sums + (3 * Quarter));
        }

        private readonly Vector128<short> Even => ((high << 4) + low - (((highOdd << 4) + lowOdd) << 8)).AsInt16();

        private readonly Vector128<short> Odd => ((highOdd << 4) + lowOdd).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<byte> Look(byte* table, Vector128<byte> index)
            => Vector128.ShuffleNative(Vector128.Load(table), index);
    }
}
