using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halfbit.Kernels;

/// <summary>Lookups of half bytes on 16 rows at once, with whatever byte shuffle the machine has (PSHUFB, TBL).</summary>
internal sealed unsafe class PlaneKernel128 : PlaneKernel
{
    /// <summary>Rows at a time.</summary>
    private const int Lanes = 16;

    /// <inheritdoc/>
    public override int TableBytes => 2 * HalfByteTables.ByteCount;

    /// <inheritdoc/>
    public override void BuildTables(sbyte* values, int words, byte* tables) => HalfByteTables.Build(values, 2 * words, tables, areTwice: false);

    /// <inheritdoc/>
    public override void Sum(byte* plane, int words, nint stride, in StripInput input, short* sums)
    {
        for (int lane = 0; lane < TileRows; lane += Lanes)
        {
            Accumulator sum = default;
            sum.AddPlane(plane + (lane / LaneGroup * stride) + (lane % LaneGroup * sizeof(ushort)), words, stride, input.Tables);
            sum.First(words, input.Total).Store(sums + lane);
            sum.Second(words, input.Total).Store(sums + lane + 8);
        }
    }

    /// <summary>Sums over set bits, of low and high parts of activations: of all bytes as 16-bit numbers, first row + 256 · second row, and of second rows alone.</summary>
    private struct Accumulator
    {
        private Vector128<ushort> low;
        private Vector128<ushort> lowSecond;
        private Vector128<ushort> high;
        private Vector128<ushort> highSecond;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddPlane(byte* plane, int words, nint stride, byte* tables)
        {
            for (int k = 0; k < words; k++, plane += WordLines * stride, tables += 2 * HalfByteTables.ByteCount)
            {
                Add(Vector128.Load((ushort*)plane), Vector128.Load((ushort*)(plane + 16)), tables);
            }
        }

        /// <summary>Σ ±q of the first rows: 2·S − Σ q, which stays within 16 bits, since Σ |q| does.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector128<short> First(int words, int total) => Signed((high << 4) + low - (((highSecond << 4) + lowSecond) << 8), words, total);

        /// <summary>Σ ±q of the second rows.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector128<short> Second(int words, int total) => Signed((highSecond << 4) + lowSecond, words, total);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<short> Signed(Vector128<ushort> sum, int words, int total) => (sum + sum).AsInt16() - Vector128.Create((short)((2 * 4 * HalfByteTables.HighBias * 16 * words) + total));

        /// <summary>Adds sixteen columns of twice as many rows as fit 16-bit lanes.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add(Vector128<ushort> first, Vector128<ushort> second, byte* tables)
        {
            Vector128<byte> half = Vector128.Create((byte)15);
            Vector128<byte> lower = ((first & Vector128.Create((ushort)0x00FF)) | (second << 8)).AsByte();
            Vector128<byte> upper = ((first >> 8) | (second & Vector128.Create((ushort)0xFF00))).AsByte();
            Vector128<byte> n0 = lower & half;
            Vector128<byte> n1 = (lower.AsUInt16() >> 4).AsByte() & half;
            Vector128<byte> n2 = upper & half;
            Vector128<byte> n3 = (upper.AsUInt16() >> 4).AsByte() & half;
            Vector128<ushort> l = (Look(tables, n0) + Look(tables + 32, n1) + Look(tables + 64, n2) + Look(tables + 96, n3)).AsUInt16();
            Vector128<ushort> h = (Look(tables + 16, n0) + Look(tables + 48, n1) + Look(tables + 80, n2) + Look(tables + 112, n3)).AsUInt16();
            low += l;
            lowSecond += l >> 8;
            high += h;
            highSecond += h >> 8;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<byte> Look(byte* table, Vector128<byte> index)
            => Vector128.ShuffleNative(Vector128.Load(table), index);
    }
}
