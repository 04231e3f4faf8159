using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>
/// The sixteen bits of a word, cut into six, five and five, select three sums of 16 bits: for 32 rows at once, VPERMI2W and VPERMW. All rows of a tile share the tables in registers.
/// </summary>
internal sealed unsafe class PlaneKernel512 : PlaneKernel
{
    private const int FirstBits = 6;
    private const int OtherBits = 5;

    /// <summary>Whether this machine can run it.</summary>
    public static bool IsSupported => Avx512BW.IsSupported;

    /// <inheritdoc/>
    public override int TableBytes => 4 * Line;

    /// <inheritdoc/>
    /// <remarks>VPMADDUBSW adds two products, of a number without a sign and one with: ±q₀ ± q₁ = (q₀ + 128)·(±1) + (q₁ + 128)·(±1), less what the 128s make.</remarks>
    public override void BuildTables(sbyte* values, int words, byte* tables)
    {
        Vector512<short> bit0 = SignOf(1), bit1 = SignOf(2), bit2 = SignOf(4), bit3 = SignOf(8), bit4 = SignOf(16), none = default, one = Vector512<short>.One;
        Vector512<sbyte> bits01 = Pair(bit0, bit1), bits23 = Pair(bit2, bit3), bit4AndMinus = Pair(bit4, -one), bit4AndPlus = Pair(bit4, one), bit4Alone = Pair(bit4, none);
        Vector512<sbyte> only0 = Pair(none, bit0), bits12 = Pair(bit1, bit2), bits34 = Pair(bit3, bit4);
        Vector512<short> excess = (bit0 + bit1 + bit2 + bit3 + bit4) << 7, excessMinus = excess - (one << 7), excessPlus = excess + (one << 7);
        for (int k = 0; k < words; k++, values += WordColumns, tables += TableBytes)
        {
            Vector512<short> q = (Vector128.Load(values) ^ Vector128.Create(sbyte.MinValue)).ToVector256Unsafe().ToVector512Unsafe().AsInt16();
            Vector512<byte> q10 = Both(q, 5);
            Vector512<short> four = Add(Both(q, 0), bits01) + Add(Both(q, 1), bits23);
            (four + (Add(Both(q, 2), bit4AndMinus) - excessMinus)).Store((short*)tables);
            (four + (Add(Both(q, 2), bit4AndPlus) - excessPlus)).Store((short*)(tables + Line));
            (Add(Both(q, 3), bits01) + Add(Both(q, 4), bits23) + (Add(q10, bit4Alone) - excess)).Store((short*)(tables + (2 * Line)));
            (Add(q10, only0) + Add(Both(q, 6), bits12) + (Add(Both(q, 7), bits34) - excess)).Store((short*)(tables + (3 * Line)));
        }

        // +1 for entries whose number has that bit, −1 for the others.
        static Vector512<short> SignOf(short bit)
            => Vector512.ConditionalSelect(Vector512.Equals(Vector512<short>.Indices & Vector512.Create(bit), Vector512<short>.Zero), -Vector512<short>.One, Vector512<short>.One);

        static Vector512<sbyte> Pair(Vector512<short> first, Vector512<short> second) => ((first & Vector512.Create((short)255)) | (second << 8)).AsSByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector512<byte> Both(Vector512<short> q, short pair) => Avx512BW.PermuteVar32x16(q, Vector512.Create(pair)).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector512<short> Add(Vector512<byte> q, Vector512<sbyte> signs) => Avx512BW.MultiplyAddAdjacent(q, signs);
    }

    /// <inheritdoc/>
    public override void Sum(byte* plane, int words, nint stride, in StripInput input, short* sums)
    {
        Sums tile = default;
        tile.AddPlane(plane, words, stride, input.Tables);
        tile.Store(sums);
    }

    /// <inheritdoc/>
    public override void SumPair(byte* plane, byte* a, int words, nint stride, in StripInput input, short* sums)
    {
        Sums first = default;
        Sums second = default;
        byte* tables = input.Tables;
        for (int k = 0; k < words; k++, plane += WordLines * stride, a += WordLines * stride, tables += 4 * Line)
        {
            var table = new Tables(tables);
            (Vector512<ushort> p, Vector512<ushort> x) = (Load(plane), Load(plane) ^ Load(a));
            first.Sum0 += table.Look(p);
            second.Sum0 += table.Look(x);
            (p, x) = (Load(plane + stride), Load(plane + stride) ^ Load(a + stride));
            first.Sum1 += table.Look(p);
            second.Sum1 += table.Look(x);
            (p, x) = (Load(plane + (2 * stride)), Load(plane + (2 * stride)) ^ Load(a + (2 * stride)));
            first.Sum2 += table.Look(p);
            second.Sum2 += table.Look(x);
            (p, x) = (Load(plane + (3 * stride)), Load(plane + (3 * stride)) ^ Load(a + (3 * stride)));
            first.Sum3 += table.Look(p);
            second.Sum3 += table.Look(x);
        }

        Split(ref first.Sum0, ref second.Sum0);
        Split(ref first.Sum1, ref second.Sum1);
        Split(ref first.Sum2, ref second.Sum2);
        Split(ref first.Sum3, ref second.Sum3);
        first.Store(sums);
        second.Store(sums + TileRows);
    }

    /// <inheritdoc/>
    public override void SumQuad(byte* plane, byte* a, byte* b, int words, nint stride, in StripInput input, short* sums)
    {
        Sums none = default, onlyA = default, onlyB = default, both = default;
        byte* tables = input.Tables;
        for (int k = 0; k < words; k++, plane += WordLines * stride, a += WordLines * stride, b += WordLines * stride, tables += 4 * Line)
        {
            var table = new Tables(tables);
            Add(table, Load(plane), Load(a), Load(b), ref none.Sum0, ref onlyA.Sum0, ref onlyB.Sum0, ref both.Sum0);
            Add(table, Load(plane + stride), Load(a + stride), Load(b + stride), ref none.Sum1, ref onlyA.Sum1, ref onlyB.Sum1, ref both.Sum1);
            Add(table, Load(plane + (2 * stride)), Load(a + (2 * stride)), Load(b + (2 * stride)), ref none.Sum2, ref onlyA.Sum2, ref onlyB.Sum2, ref both.Sum2);
            Add(table, Load(plane + (3 * stride)), Load(a + (3 * stride)), Load(b + (3 * stride)), ref none.Sum3, ref onlyA.Sum3, ref onlyB.Sum3, ref both.Sum3);
        }

        Split(ref none.Sum0, ref onlyA.Sum0, ref onlyB.Sum0, ref both.Sum0);
        Split(ref none.Sum1, ref onlyA.Sum1, ref onlyB.Sum1, ref both.Sum1);
        Split(ref none.Sum2, ref onlyA.Sum2, ref onlyB.Sum2, ref both.Sum2);
        Split(ref none.Sum3, ref onlyA.Sum3, ref onlyB.Sum3, ref both.Sum3);
        none.Store(sums);
        onlyA.Store(sums + TileRows);
        onlyB.Store(sums + (2 * TileRows));
        both.Store(sums + (3 * TileRows));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        in Tables table, Vector512<ushort> p, Vector512<ushort> a, Vector512<ushort> b, ref Vector512<short> none, ref Vector512<short> onlyA, ref Vector512<short> onlyB, ref Vector512<short> both)
    {
        none += table.Look(p);
        onlyB += table.Look(p ^ b);
        p ^= a;
        onlyA += table.Look(p);
        both += table.Look(p ^ b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(ref Vector512<short> none, ref Vector512<short> a, ref Vector512<short> b, ref Vector512<short> both)
    {
        Split(ref none, ref a);
        Split(ref b, ref both);
        Split(ref none, ref b);
        Split(ref a, ref both);
    }

    /// <inheritdoc/>
    public override void SumCodes(byte* planes, int bits, int words, in StripInput input, int* sums)
    {
        Codes first = default, second = default, third = default, fourth = default;
        for (int b = 0; b < bits; b++, planes += words * WordBytes)
        {
            Sums tile = default;
            tile.AddPlane(planes, words, Line, input.Tables);
            first.AddShifted(tile.Sum0, b);
            second.AddShifted(tile.Sum1, b);
            third.AddShifted(tile.Sum2, b);
            fourth.AddShifted(tile.Sum3, b);
        }

        first.Store(sums);
        second.Store(sums + LaneGroup);
        third.Store(sums + (2 * LaneGroup));
        fourth.Store(sums + (3 * LaneGroup));
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
        Vector512<float> factor = Vector512.Create(table.Unit * input.Scale * UpperFactor);
        AddScaled<T>(tile.Sum0, factor, scales, 0, 0, y);
        AddScaled<T>(tile.Sum1, factor, scales, 0, 2, y + LaneGroup);
        AddScaled<T>(tile.Sum2, factor, scales, 64, 0, y + (2 * LaneGroup));
        AddScaled<T>(tile.Sum3, factor, scales, 64, 2, y + (3 * LaneGroup));
    }

    /// <summary>Sums are made single precision times 2¹⁶, where they are in their lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled<T>(Vector512<short> sums, Vector512<float> factor, byte* scales, int row, int quarter, float* y)
        where T : struct, IScaleReader
    {
        Vector512<float> lower = Vector512.ConvertToSingle(sums.AsInt32() << 16);
        Vector512<float> upper = Vector512.ConvertToSingle(sums.AsInt32() & Vector512.Create(unchecked((int)0xFFFF0000)));
        Vector512.FusedMultiplyAdd(T.Read16(scales, row, quarter) * factor, lower, Vector512.Load(y)).Store(y);
        Vector512.FusedMultiplyAdd(T.Read16(scales, row, quarter + 1) * factor, upper, Vector512.Load(y + Half)).Store(y + Half);
    }

    /// <summary>As <see cref="TileSums.Split"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(ref Vector512<short> a, ref Vector512<short> b)
    {
        Vector512<short> sum = (a + b) >> 1;
        b = (a - b) >> 1;
        a = sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Load(byte* line) => Vector512.Load((ushort*)line);

    /// <summary>The tables of sixteen columns.</summary>
    [method: MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly struct Tables(byte* tables)
    {
        private readonly Vector512<ushort> lower = Vector512.Load((ushort*)tables);
        private readonly Vector512<ushort> upper = Vector512.Load((ushort*)(tables + Line));
        private readonly Vector512<ushort> second = Vector512.Load((ushort*)(tables + (2 * Line)));
        private readonly Vector512<ushort> third = Vector512.Load((ushort*)(tables + (3 * Line)));

        /// <summary>The signed sums of sixteen columns; lookups take the lowest bits of an index, the others do not matter.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<short> Look(Vector512<ushort> bits)
            => (Avx512BW.PermuteVar32x16x2(lower, bits, upper)
                + (Avx512BW.PermuteVar32x16(second, bits >> FirstBits) + Avx512BW.PermuteVar32x16(third, bits >> (FirstBits + OtherBits)))).AsInt16();
    }

    /// <summary>The sums of a tile, by lane.</summary>
    private struct Sums
    {
        public Vector512<short> Sum0;
        public Vector512<short> Sum1;
        public Vector512<short> Sum2;
        public Vector512<short> Sum3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddPlane(byte* plane, int words, nint stride, byte* tables)
        {
            for (int k = 0; k < words; k++, plane += WordLines * stride, tables += 4 * Line)
            {
                var table = new Tables(tables);
                Sum0 += table.Look(Load(plane));
                Sum1 += table.Look(Load(plane + stride));
                Sum2 += table.Look(Load(plane + (2 * stride)));
                Sum3 += table.Look(Load(plane + (3 * stride)));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(short* sums)
        {
            Sum0.Store(sums);
            Sum1.Store(sums + LaneGroup);
            Sum2.Store(sums + (2 * LaneGroup));
            Sum3.Store(sums + (3 * LaneGroup));
        }
    }

    /// <summary>Sums of 32 rows in 32 bits.</summary>
    private struct Codes
    {
        private Vector512<int> lower;
        private Vector512<int> upper;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void AddShifted(Vector512<short> plane, int shift)
        {
            lower += ((plane.AsInt32() << 16) >> 16) << shift;
            upper += (plane.AsInt32() >> 16) << shift;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(int* sums)
        {
            lower.Store(sums);
            upper.Store(sums + Half);
        }
    }
}
