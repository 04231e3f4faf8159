using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Kernels;

/// <summary>Lookups of half bytes by VPSHUFB on 32 rows at once: the lower bytes of their words are put together, then the upper ones.</summary>
internal sealed unsafe class PlaneKernel256 : PlaneKernel
{
    /// <summary>What is fetched in advance. This kernel has so much to do for each byte that the processor sees too little of what comes; the 512-bit one is faster without (measured on Zen 4).</summary>
    private const int FetchAhead = 4096;

    /// <inheritdoc/>
    public override int TableBytes => 2 * HalfByteTables.ByteCount;

    /// <inheritdoc/>
    public override void BuildTables(sbyte* values, int words, byte* tables) => HalfByteTables.Build(values, 2 * words, tables);

    /// <inheritdoc/>
    public override void Sum(byte* plane, int words, nint stride, in StripInput input, short* sums)
    {
        for (int lane = 0; lane < TileRows; lane += LaneGroup)
        {
            Accumulator sum = default;
            sum.AddPlane(plane + (lane / LaneGroup * stride), words, stride, input.Tables);
            sum.First(words, input.Total).Store(sums + lane);
            sum.Second(words, input.Total).Store(sums + lane + 16);
        }
    }

    /// <summary>Sums over set bits, of low and high parts of activations: of all bytes as 16-bit numbers, first row + 256 · second row, and of second rows alone.</summary>
    private struct Accumulator
    {
        private Vector256<ushort> low;
        private Vector256<ushort> lowSecond;
        private Vector256<ushort> high;
        private Vector256<ushort> highSecond;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddPlane(byte* plane, int words, nint stride, byte* tables)
        {
            for (int k = 0; k < words; k++, plane += WordLines * stride, tables += 2 * HalfByteTables.ByteCount)
            {
                Sse.Prefetch0(plane + FetchAhead);
                Add(Vector256.Load((ushort*)plane), Vector256.Load((ushort*)(plane + 32)), tables);
            }
        }

        /// <summary>Σ ±q of the first rows: 2·S − Σ q, which stays within 16 bits, since Σ |q| does.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector256<short> First(int words, int total) => Signed((high << 4) + low - (((highSecond << 4) + lowSecond) << 8), words, total);

        /// <summary>Σ ±q of the second rows.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly Vector256<short> Second(int words, int total) => Signed((highSecond << 4) + lowSecond, words, total);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<short> Signed(Vector256<ushort> sum, int words, int total) => (sum + sum).AsInt16() - Vector256.Create((short)((2 * 4 * HalfByteTables.HighBias * 16 * words) + total));

        /// <summary>Adds sixteen columns of twice as many rows as fit 16-bit lanes.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add(Vector256<ushort> first, Vector256<ushort> second, byte* tables)
        {
            Vector256<byte> half = Vector256.Create((byte)15);
            Vector256<byte> lower = ((first & Vector256.Create((ushort)0x00FF)) | (second << 8)).AsByte();
            Vector256<byte> upper = ((first >> 8) | (second & Vector256.Create((ushort)0xFF00))).AsByte();
            Vector256<byte> n0 = lower & half;
            Vector256<byte> n1 = (lower.AsUInt16() >> 4).AsByte() & half;
            Vector256<byte> n2 = upper & half;
            Vector256<byte> n3 = (upper.AsUInt16() >> 4).AsByte() & half;
            Vector256<ushort> l = (Look(tables, n0) + Look(tables + 32, n1) + Look(tables + 64, n2) + Look(tables + 96, n3)).AsUInt16();
            Vector256<ushort> h = (Look(tables + 16, n0) + Look(tables + 48, n1) + Look(tables + 80, n2) + Look(tables + 112, n3)).AsUInt16();
            low += l;
            lowSecond += l >> 8;
            high += h;
            highSecond += h >> 8;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<byte> Look(byte* table, Vector256<byte> index)
            => Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(table), index);
    }
}
