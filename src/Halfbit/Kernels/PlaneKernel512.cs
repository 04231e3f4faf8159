using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Lookups by VPERMB on 64 rows at once; the two halves of a tile share the tables in registers.</summary>
internal sealed unsafe class PlaneKernel512 : PlaneKernel
{
    /// <summary>Whether this machine can run it; processors with AVX-512 but without VBMI take the 256-bit kernel.</summary>
    public static bool IsSupported => Avx512Vbmi.IsSupported && Avx512BW.IsSupported;

    /// <inheritdoc/>
    public override void Sum(byte* plane, byte* mask, byte* tables, int byteRows, int* sums, nint ahead)
    {
        Halves both = default;
        if (mask == null) both.AddPlane(plane, tables, byteRows, ahead);
        else both.AddPlane(plane, mask, tables, byteRows, ahead);
        both.First.Store(byteRows, sums);
        both.Second.Store(byteRows, sums + LaneGroup);
    }

    /// <inheritdoc/>
    public override void SumMarked(byte* plane, byte* marks, byte* tables, int byteRows, int* sums, nint ahead)
    {
        for (int lane = 0; lane < TileRows; lane += LaneGroup)
        {
            Accumulator set = default;
            Accumulator both = default;
            Accumulator marked = default;
            byte* p = plane + lane;
            byte* m = marks + lane;
            byte* t = tables;
            for (int k = 0; k < byteRows; k += 2, p += 2 * TileRows, m += 2 * TileRows, t += 2 * TableBytes)
            {
                Sse.Prefetch0(p + ahead);
                Sse.Prefetch0(p + TileRows + ahead);
                Sse.Prefetch0(m + ahead);
                Sse.Prefetch0(m + TileRows + ahead);
                var table = new Tables(t);
                Vector512<byte> first = Vector512.Load(p);
                Vector512<byte> second = Vector512.Load(p + TileRows);
                Vector512<byte> firstMarks = Vector512.Load(m);
                Vector512<byte> secondMarks = Vector512.Load(m + TileRows);
                set.Add(first, second, table);
                both.Add(first & firstMarks, second & secondMarks, table);
                marked.Add(firstMarks, secondMarks, table);
            }

            set.Store(byteRows, sums + lane);
            both.Store(byteRows, sums + TileRows + lane);
            marked.Store(byteRows, sums + (2 * TileRows) + lane);
        }
    }

    /// <inheritdoc/>
    public override void SumCodes(byte* planes, int bits, byte* tables, int byteRows, int* sums, nint ahead)
    {
        Quarters first = default;
        Quarters second = default;
        for (int b = 0; b < bits; b++, planes += byteRows * TileRows)
        {
            Halves both = default;
            both.AddPlane(planes, tables, byteRows, ahead);
            first.AddShifted(both.First, byteRows, b);
            second.AddShifted(both.Second, byteRows, b);
        }

        first.Store(sums);
        second.Store(sums + LaneGroup);
    }

    /// <inheritdoc/>
    public override void AddSigned(byte* plane, int byteRows, in StripInput input, in ScaleTable table, byte* scales, float* y)
    {
        if (table.Kind == ScaleKind.Exact || !table.IsInRange(input.Scale)) base.AddSigned(plane, byteRows, input, table, scales, y);
        else if (table.Kind == ScaleKind.Half) AddSigned<HalfScales>(plane, byteRows, input, table, scales, y);
        else AddSigned<ByteScales>(plane, byteRows, input, table, scales, y);
    }

    private static void AddSigned<T>(byte* plane, int byteRows, in StripInput input, in ScaleTable table, byte* scales, float* y)
        where T : struct, IScaleReader
    {
        Halves both = default;
        both.AddPlane(plane, input.Tables, byteRows, input.Ahead);
        Fetch(scales, table.ByteCount, input.Ahead);
        Vector512<float> factor = Vector512.Create(table.Unit * input.Scale * SignedFactor);
        both.First.AddSigned<T>(byteRows, input.Total, factor, scales, 0, y);
        both.Second.AddSigned<T>(byteRows, input.Total, factor, scales, LaneGroup, y + LaneGroup);
    }

    /// <summary>The sums of a tile.</summary>
    private struct Halves
    {
        public Accumulator First;
        public Accumulator Second;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddPlane(byte* plane, byte* tables, int byteRows, nint ahead)
        {
            for (int k = 0; k < byteRows; k += 2, plane += 2 * TileRows, tables += 2 * TableBytes)
            {
                Fetch(plane + ahead);
                var table = new Tables(tables);
                First.Add(Vector512.Load(plane), Vector512.Load(plane + TileRows), table);
                Second.Add(Vector512.Load(plane + LaneGroup), Vector512.Load(plane + TileRows + LaneGroup), table);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddPlane(byte* plane, byte* mask, byte* tables, int byteRows, nint ahead)
        {
            for (int k = 0; k < byteRows; k += 2, plane += 2 * TileRows, mask += 2 * TileRows, tables += 2 * TableBytes)
            {
                Fetch(plane + ahead);
                var table = new Tables(tables);
                First.Add(Vector512.Load(plane) & Vector512.Load(mask), Vector512.Load(plane + TileRows) & Vector512.Load(mask + TileRows), table);
                Second.Add(
                    Vector512.Load(plane + LaneGroup) & Vector512.Load(mask + LaneGroup), Vector512.Load(plane + TileRows + LaneGroup) & Vector512.Load(mask + TileRows + LaneGroup), table);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Fetch(byte* at)
        {
            Sse.Prefetch0(at);
            Sse.Prefetch0(at + 64);
            Sse.Prefetch0(at + 128);
            Sse.Prefetch0(at + 192);
        }
    }

    /// <summary>Sums of 64 rows in 32 bits.</summary>
    private struct Quarters
    {
        private Vector512<int> sum0;
        private Vector512<int> sum1;
        private Vector512<int> sum2;
        private Vector512<int> sum3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddShifted(in Accumulator plane, int byteRows, int shift)
        {
            Vector512<short> bias = Vector512.Create((short)(2 * HighBias * 16 * byteRows));
            Vector512<int> even = (plane.Even - bias).AsInt32();
            Vector512<int> odd = (plane.Odd - bias).AsInt32();
            sum0 += (even << 16) >> 16 << shift;
            sum1 += even >> 16 << shift;
            sum2 += (odd << 16) >> 16 << shift;
            sum3 += odd >> 16 << shift;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(int* sums)
        {
            sum0.Store(sums);
            sum1.Store(sums + Quarter);
            sum2.Store(sums + (2 * Quarter));
            sum3.Store(sums + (3 * Quarter));
        }
    }

    /// <summary>The tables of sixteen columns, each repeated four times: a lookup takes the lowest six bits of a byte, of which the upper two do not matter then.</summary>
    private readonly struct Tables
    {
        public readonly Vector512<byte> Low0;
        public readonly Vector512<byte> Low1;
        public readonly Vector512<byte> Low2;
        public readonly Vector512<byte> Low3;
        public readonly Vector512<byte> High0;
        public readonly Vector512<byte> High1;
        public readonly Vector512<byte> High2;
        public readonly Vector512<byte> High3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Tables(byte* tables)
        {
            Low0 = Table(tables);
            High0 = Table(tables + 16);
            Low1 = Table(tables + 32);
            High1 = Table(tables + 48);
            Low2 = Table(tables + 64);
            High2 = Table(tables + 80);
            Low3 = Table(tables + 96);
            High3 = Table(tables + 112);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<byte> Table(byte* table) => Avx512F.BroadcastVector128ToVector512((int*)table).AsByte();
    }

    /// <summary>Sums of low and high parts of 64 rows: of all lanes as 16-bit numbers, even lane + 256 · odd lane, and of the odd lanes alone.</summary>
    private struct Accumulator
    {
        private Vector512<ushort> low;
        private Vector512<ushort> lowOdd;
        private Vector512<ushort> high;
        private Vector512<ushort> highOdd;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector512<byte> first, Vector512<byte> second, in Tables table)
        {
            Vector512<byte> firstHigh = (first.AsUInt16() >> 4).AsByte();
            Vector512<byte> secondHigh = (second.AsUInt16() >> 4).AsByte();
            Vector512<ushort> l = (Look(table.Low0, first) + Look(table.Low1, firstHigh) + (Look(table.Low2, second) + Look(table.Low3, secondHigh))).AsUInt16();
            Vector512<ushort> h = (Look(table.High0, first) + Look(table.High1, firstHigh) + (Look(table.High2, second) + Look(table.High3, secondHigh))).AsUInt16();
            low += l;
            lowOdd += l >> 8;
            high += h;
            highOdd += h >> 8;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(int byteRows, int* sums)
        {
            Vector512<short> bias = Vector512.Create((short)(2 * HighBias * 16 * byteRows));
            Vector512<int> even = (Even - bias).AsInt32();
            Vector512<int> odd = (Odd - bias).AsInt32();
            ((even << 16) >> 16).Store(sums);
            (even >> 16).Store(sums + Quarter);
            ((odd << 16) >> 16).Store(sums + (2 * Quarter));
            (odd >> 16).Store(sums + (3 * Quarter));
        }

        /// <summary>2·S − Σ q stays within 16 bits, since Σ |q| does. It is made single precision times 2¹⁶, where it is in its lane.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void AddSigned<T>(int byteRows, int total, Vector512<float> factor, byte* scales, int row, float* y)
            where T : struct, IScaleReader
        {
            Vector512<short> offset = Vector512.Create((short)((4 * HighBias * 16 * byteRows) + total));
            Vector512<int> upper = Vector512.Create(unchecked((int)0xFFFF0000));
            Vector512<int> even = (Even + Even - offset).AsInt32();
            Vector512<int> odd = (Odd + Odd - offset).AsInt32();
            AddScaled(even << 16, T.Read16(scales, row, 0) * factor, y);
            AddScaled(even & upper, T.Read16(scales, row, 1) * factor, y + Quarter);
            AddScaled(odd << 16, T.Read16(scales, row, 2) * factor, y + (2 * Quarter));
            AddScaled(odd & upper, T.Read16(scales, row, 3) * factor, y + (3 * Quarter));
        }

        public readonly Vector512<short> Even => ((high << 4) + low - (((highOdd << 4) + lowOdd) << 8)).AsInt16();

        public readonly Vector512<short> Odd => ((highOdd << 4) + lowOdd).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddScaled(Vector512<int> sums, Vector512<float> scales, float* y)
            => Vector512.FusedMultiplyAdd(scales, Vector512.ConvertToSingle(sums), Vector512.Load(y)).Store(y);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<byte> Look(Vector512<byte> table, Vector512<byte> index) => Avx512Vbmi.PermuteVar64x8(table, index);
    }
}
