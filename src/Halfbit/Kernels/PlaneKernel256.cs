using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Lookups by VPSHUFB on 32 rows at once.</summary>
internal sealed unsafe class PlaneKernel256 : PlaneKernel
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

    /// <inheritdoc/>
    public override void AddSigned(byte* plane, int byteRows, in StripInput input, in ScaleTable table, byte* scales, float* y)
    {
        if (table.Kind == ScaleKind.Exact || !table.IsInRange(input.Scale)) base.AddSigned(plane, byteRows, input, table, scales, y);
        else if (table.Kind == ScaleKind.Half) AddSigned<HalfScales>(plane, byteRows, input, table.Unit, scales, y);
        else AddSigned<ByteScales>(plane, byteRows, input, table.Unit, scales, y);
    }

    private const int Lanes = 32;

    private static void AddSigned<T>(byte* plane, int byteRows, in StripInput input, float unit, byte* scales, float* y)
        where T : struct, IScaleReader
    {
        for (int lane = 0; lane < TileRows; lane += Lanes)
        {
            Accumulator sum = default;
            sum.AddPlane(plane + lane, input.Tables, byteRows, input.Ahead);
            int row = (lane / LaneGroup * LaneGroup) + (lane % LaneGroup / 4);
            sum.AddSigned<T>(byteRows, input.Total, Vector256.Create(unit * input.Scale * SignedFactor), scales, row, y + row);
        }
    }

    private static void SumPart(byte* plane, byte* tables, int byteRows, int* sums, nint ahead)
    {
        Accumulator sum = default;
        sum.AddPlane(plane, tables, byteRows, ahead);
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
        public void AddPlane(byte* plane, byte* tables, int byteRows, nint ahead)
        {
            for (int k = 0; k < byteRows; k += 2, plane += 2 * TileRows, tables += 2 * TableBytes)
            {
                Sse.Prefetch0(plane + ahead);
                Sse.Prefetch0(plane + ahead + TileRows);
                Add(Vector256.Load(plane), Vector256.Load(plane + TileRows), tables);
            }
        }

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
            Vector256<int> even = (Even - bias).AsInt32();
            Vector256<int> odd = (Odd - bias).AsInt32();
            ((even << 16) >> 16).Store(sums);
            (even >> 16).Store(sums + Quarter);
            ((odd << 16) >> 16).Store(sums + (2 * Quarter));
            (odd >> 16).Store(sums + (3 * Quarter));
        }

        /// <summary>2·S − Σ q stays within 16 bits, since Σ |q| does. It is made single precision times 2¹⁶, where it is in its lane.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void AddSigned<T>(int byteRows, int total, Vector256<float> factor, byte* scales, int row, float* y)
            where T : struct, IScaleReader
        {
            Vector256<short> offset = Vector256.Create((short)((4 * HighBias * 16 * byteRows) + total));
            Vector256<int> upper = Vector256.Create(unchecked((int)0xFFFF0000));
            Vector256<int> even = (Even + Even - offset).AsInt32();
            Vector256<int> odd = (Odd + Odd - offset).AsInt32();
            AddScaled(even << 16, T.Read(scales, row, 0) * factor, y);
            AddScaled(even & upper, T.Read(scales, row, 1) * factor, y + Quarter);
            AddScaled(odd << 16, T.Read(scales, row, 2) * factor, y + (2 * Quarter));
            AddScaled(odd & upper, T.Read(scales, row, 3) * factor, y + (3 * Quarter));
        }

        private readonly Vector256<short> Even => ((high << 4) + low - (((highOdd << 4) + lowOdd) << 8)).AsInt16();

        private readonly Vector256<short> Odd => ((highOdd << 4) + lowOdd).AsInt16();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddScaled(Vector256<int> sums, Vector256<float> scales, float* y)
            => Vector256.FusedMultiplyAdd(scales, Vector256.ConvertToSingle(sums), Vector256.Load(y)).Store(y);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<byte> Look(byte* table, Vector256<byte> index)
            => Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table), index);
    }
}
