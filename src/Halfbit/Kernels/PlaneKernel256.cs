using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Lookups of half bytes by VPSHUFB on 32 rows at once: the lower bytes of their words are put together, then the upper ones.</summary>
internal sealed unsafe class PlaneKernel256 : PlaneKernel
{
    /// <summary>What is fetched in advance. This kernel has so much to do for each byte that the processor sees too little of what comes; the 512-bit one is faster without (measured on Zen 4).</summary>
    private const int FetchAhead = 2048;

    /// <summary>What the biases of high parts add to the sum of sixteen activations.</summary>
    private const int WordBias = 4 * HalfByteTables.HighBias * 16;

    /// <inheritdoc/>
    public override int TableBytes => 4 * HalfByteTables.ByteCount;

    /// <inheritdoc/>
    public override void BuildTables(sbyte* values, int words, byte* tables) => HalfByteTables.Build(values, 2 * words, tables, areTwice: true);

    /// <inheritdoc/>
    public override void Sum(byte* plane, int words, nint stride, in StripInput input, short* sums)
    {
        Sums tile = default;
        tile.AddPlane(plane, words, stride, input.Tables);
        Vector256<short> offset = Vector256.Create((short)((2 * WordBias * words) + input.Total));
        Store(tile.Lower0, tile.Upper0, offset, sums);
        Store(tile.Lower1, tile.Upper1, offset, sums + LaneGroup);
        Store(tile.Lower2, tile.Upper2, offset, sums + (2 * LaneGroup));
        Store(tile.Lower3, tile.Upper3, offset, sums + (3 * LaneGroup));
    }

    /// <inheritdoc/>
    public override void AddSigned(byte* plane, int words, in StripInput input, in ScaleTable table, byte* scales, float* y)
    {
        if (table.Kind == ScaleKind.Exact || !table.IsInRange(input.Scale)) base.AddSigned(plane, words, input, table, scales, y);
        else if (table.Kind == ScaleKind.Half) AddSigned<HalfScales>(plane, words, input, table, scales, y);
        else AddSigned<ByteScales>(plane, words, input, table, scales, y);
    }

    private static void AddSigned<T>(byte* plane, int words, in StripInput input, in ScaleTable table, byte* scales, float* y)
        where T : struct, IScaleReader
    {
        Sums tile = default;
        tile.AddPlane(plane, words, Line, input.Tables);
        Vector256<short> offset = Vector256.Create((short)((2 * WordBias * words) + input.Total));
        Vector256<float> factor = Vector256.Create(table.Unit * input.Scale * UpperFactor);
        AddScaled<T>(tile.Lower0, tile.Upper0, offset, factor, scales, 0, 0, y);
        AddScaled<T>(tile.Lower1, tile.Upper1, offset, factor, scales, 0, 2, y + LaneGroup);
        AddScaled<T>(tile.Lower2, tile.Upper2, offset, factor, scales, 64, 0, y + (2 * LaneGroup));
        AddScaled<T>(tile.Lower3, tile.Upper3, offset, factor, scales, 64, 2, y + (3 * LaneGroup));
    }

    /// <summary>Sums are made single precision times 2¹⁶, where they are in their lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled<T>(Vector256<short> lower, Vector256<short> upper, Vector256<short> offset, Vector256<float> factor, byte* scales, int row, int quarter, float* y)
        where T : struct, IScaleReader
    {
        (Vector256<short> first, Vector256<short> second) = Signed(lower, upper, offset);
        AddScaled<T>(first, factor, scales, row, quarter, y);
        AddScaled<T>(second, factor, scales, row + 8, quarter, y + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled<T>(Vector256<short> sums, Vector256<float> factor, byte* scales, int row, int quarter, float* y)
        where T : struct, IScaleReader
    {
        Vector256<float> lower = Vector256.ConvertToSingle(sums.AsInt32() << 16);
        Vector256<float> upper = Vector256.ConvertToSingle(sums.AsInt32() & Vector256.Create(unchecked((int)0xFFFF0000)));
        Vector256.FusedMultiplyAdd(T.Read(scales, row, quarter) * factor, lower, Vector256.Load(y)).Store(y);
        Vector256.FusedMultiplyAdd(T.Read(scales, row, quarter + 1) * factor, upper, Vector256.Load(y + Half)).Store(y + Half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<short> lower, Vector256<short> upper, Vector256<short> offset, short* sums)
    {
        (Vector256<short> first, Vector256<short> second) = Signed(lower, upper, offset);
        first.Store(sums);
        second.Store(sums + 16);
    }

    /// <summary>Σ ±q by lane, of sums S over set bits: 2·S − Σ q, which stays within 16 bits, since Σ |q| does.</summary>
    /// <param name="lower">S of every other four lanes and of lanes 16 further, alternating.</param>
    /// <param name="upper">S of the others.</param>
    /// <param name="offset">Σ q and twice the biases.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<short> First, Vector256<short> Second) Signed(Vector256<short> lower, Vector256<short> upper, Vector256<short> offset)
    {
        Vector256<int> a = (lower + lower - offset).AsInt32();
        Vector256<int> b = (upper + upper - offset).AsInt32();
        return (Avx2.PackSignedSaturate((a << 16) >> 16, (b << 16) >> 16), Avx2.PackSignedSaturate(a >> 16, b >> 16));
    }

    /// <summary>Sums over set bits of the 32 rows of each line, biases included.</summary>
    private struct Sums
    {
        public Vector256<short> Lower0;
        public Vector256<short> Upper0;
        public Vector256<short> Lower1;
        public Vector256<short> Upper1;
        public Vector256<short> Lower2;
        public Vector256<short> Upper2;
        public Vector256<short> Lower3;
        public Vector256<short> Upper3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddPlane(byte* plane, int words, nint stride, byte* tables)
        {
            Vector256<byte> half = Vector256.Create((byte)15);
            Vector256<byte> odd = Vector256.Create((ushort)0xFF00).AsByte();
            Vector256<sbyte> weights = Vector256.Create((ushort)0x1001).AsSByte();
            for (int k = 0; k < words; k++, plane += WordLines * stride, tables += 4 * HalfByteTables.ByteCount)
            {
                Add(plane, tables, half, odd, weights, ref Lower0, ref Upper0);
                Add(plane + stride, tables, half, odd, weights, ref Lower1, ref Upper1);
                Add(plane + (2 * stride), tables, half, odd, weights, ref Lower2, ref Upper2);
                Add(plane + (3 * stride), tables, half, odd, weights, ref Lower3, ref Upper3);
            }
        }

        /// <summary>Adds sixteen columns of 32 rows.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Add(byte* line, byte* tables, Vector256<byte> half, Vector256<byte> odd, Vector256<sbyte> weights, ref Vector256<short> lower, ref Vector256<short> upper)
        {
            Sse.Prefetch0(line + FetchAhead);
            Vector256<ushort> first = Vector256.Load((ushort*)line);
            Vector256<ushort> second = Vector256.Load((ushort*)(line + (Line / 2)));
            Vector256<byte> bytes = Avx2.BlendVariable(first.AsByte(), (second << 8).AsByte(), odd);
            Vector256<byte> index = bytes & half;
            Vector256<byte> low = Look(tables, index);
            Vector256<byte> high = Look(tables + 32, index);
            index = (bytes.AsUInt16() >> 4).AsByte() & half;
            low += Look(tables + 64, index);
            high += Look(tables + 96, index);
            bytes = Avx2.BlendVariable((first >> 8).AsByte(), second.AsByte(), odd);
            index = bytes & half;
            low += Look(tables + 128, index);
            high += Look(tables + 160, index);
            index = (bytes.AsUInt16() >> 4).AsByte() & half;
            low += Look(tables + 192, index);
            high += Look(tables + 224, index);

            // low + 16 · high, at most 4080: eight of them fit 16 bits.
            lower += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(low, high), weights);
            upper += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(low, high), weights);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<byte> Look(byte* table, Vector256<byte> index) => Avx2.Shuffle(Vector256.Load(table), index);
    }
}
