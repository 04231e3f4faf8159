using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Steps on the sums of a tile: [128] numbers, of 16 bits by lane (<see cref="PlaneKernel.RowOfLane"/>) or of 32 bits by row.</summary>
internal static unsafe class TileSums
{
    private const int Rows = PlaneKernel.TileRows;
    private const int LaneGroup = 32;
    private const int Half = LaneGroup / 2;

    /// <summary>Rows whose scales lie together.</summary>
    private const int Block = 2 * LaneGroup;

    /// <summary>y ← y + (scale · s) · sums.</summary>
    /// <param name="sums">By lane.</param>
    /// <param name="table">How scales are stored.</param>
    /// <param name="scales">The scales.</param>
    /// <param name="s">The scale of the activations.</param>
    /// <param name="y">[128], by row.</param>
    public static void AddScaled(short* sums, in ScaleTable table, byte* scales, float s, float* y) => AddScaled(sums, isByRow: false, table, scales, s, y);

    /// <summary>y ← y + (scale · s) · sums.</summary>
    /// <param name="sums">By row.</param>
    /// <param name="table">How scales are stored.</param>
    /// <param name="scales">The scales.</param>
    /// <param name="s">The scale of the activations.</param>
    /// <param name="y">[128], by row.</param>
    public static void AddScaled(int* sums, in ScaleTable table, byte* scales, float s, float* y) => AddScaled(sums, isByRow: true, table, scales, s, y);

    [SkipLocalsInit]
    private static void AddScaled(void* sums, bool isByRow, in ScaleTable table, byte* scales, float s, float* y)
    {
        if (table.Kind == ScaleKind.Exact)
        {
            AddScaled<ExactScales>(sums, isByRow, scales, s, y);
        }
        else if (!table.IsInRange(s))
        {
            float* expanded = stackalloc float[Rows];
            table.Expand(scales, expanded);
            AddScaled<ExactScales>(sums, isByRow, (byte*)expanded, s, y);
        }
        else if (table.Kind == ScaleKind.Half)
        {
            AddScaled<HalfScales>(sums, isByRow, scales, table.Unit * s, y);
        }
        else
        {
            AddScaled<ByteScales>(sums, isByRow, scales, table.Unit * s, y);
        }
    }

    private static void AddScaled<T>(void* sums, bool isByRow, byte* scales, float factor, float* y)
        where T : struct, IScaleReader
    {
        if (isByRow) AddScaled<T>((int*)sums, scales, factor, y);
        else AddScaled<T>((short*)sums, scales, factor, y);
    }

    /// <summary>y ← y + Σ_g (scale_g · s) · sums_g, in the order of groups.</summary>
    /// <param name="sums">[groups][128], by lane.</param>
    /// <param name="groups">How many, and where and how their scales are stored.</param>
    /// <param name="scales">The first scale of the strip.</param>
    /// <param name="s">The scale of the activations.</param>
    /// <param name="y">[128], by row.</param>
    public static void AddScaled(short* sums, GroupScales groups, byte* scales, float s, float* y)
    {
        if (Vector512.IsHardwareAccelerated && groups.IsUniform && groups.Table.IsInRange(s))
        {
            scales += groups.PlaceOf(0);
            if (groups.Table.Kind == ScaleKind.Half) AddScaled<HalfScales>(sums, groups.Count, groups.Distance, scales, groups.Table.Unit * s, y);
            else AddScaled<ByteScales>(sums, groups.Count, groups.Distance, scales, groups.Table.Unit * s, y);
            return;
        }

        for (int g = 0; g < groups.Count; g++) AddScaled(sums + (g * Rows), groups.TableOf(g), scales + groups.PlaceOf(g), s, y);
    }

    private static void AddScaled<T>(short* sums, int groups, int distance, byte* scales, float factor, float* y)
        where T : struct, IScaleReader
    {
        Vector512<float> s = Vector512.Create(factor);
        for (int row = 0; row < Rows; row += Block, y += Block)
        {
            Vector512<float> y0 = Vector512.Load(y), y1 = Vector512.Load(y + Half), y2 = Vector512.Load(y + (2 * Half)), y3 = Vector512.Load(y + (3 * Half));
            short* sum = sums + row;
            byte* scale = scales;
            for (int g = 0; g < groups; g++, sum += Rows, scale += distance)
            {
                Vector512<int> first = Vector512.Load(sum).AsInt32();
                Vector512<int> second = Vector512.Load(sum + LaneGroup).AsInt32();
                y0 = Vector512.FusedMultiplyAdd(T.Read16(scale, row, 0) * s, Vector512.ConvertToSingle((first << 16) >> 16), y0);
                y1 = Vector512.FusedMultiplyAdd(T.Read16(scale, row, 1) * s, Vector512.ConvertToSingle(first >> 16), y1);
                y2 = Vector512.FusedMultiplyAdd(T.Read16(scale, row, 2) * s, Vector512.ConvertToSingle((second << 16) >> 16), y2);
                y3 = Vector512.FusedMultiplyAdd(T.Read16(scale, row, 3) * s, Vector512.ConvertToSingle(second >> 16), y3);
            }

            y0.Store(y);
            y1.Store(y + Half);
            y2.Store(y + (2 * Half));
            y3.Store(y + (3 * Half));
        }
    }

    /// <summary>y ← y + s · sums.</summary>
    /// <param name="sums">By lane.</param>
    /// <param name="s">The scale of the activations.</param>
    /// <param name="y">[128], by row.</param>
    public static void AddScaled(short* sums, float s, float* y) => AddScaled<UnitScales>(sums, null, s, y);

    /// <summary>y ← y + s · sums.</summary>
    /// <param name="sums">By row.</param>
    /// <param name="s">The scale of the activations.</param>
    /// <param name="y">[128], by row.</param>
    public static void AddScaled(int* sums, float s, float* y) => AddScaled<UnitScales>(sums, null, s, y);

    /// <summary>(a, b) ← ((a + b) / 2, (a − b) / 2): sums W(p), W(p ⊕ c) become those of p over the weights whose bit in c is clear, and set. All numbers are even or odd together.</summary>
    public static void Split(short* a, short* b)
    {
        for (int p = 0; p < Rows; p += 16)
        {
            Vector256<short> sum = Vector256.Load(a + p);
            Vector256<short> other = Vector256.Load(b + p);
            ((sum + other) >> 1).Store(a + p);
            ((sum - other) >> 1).Store(b + p);
        }
    }

    /// <summary>a ← a + b · 2^shift.</summary>
    /// <param name="b">By lane.</param>
    /// <param name="shift">0 or more.</param>
    /// <param name="a">By row.</param>
    public static void AddShifted(short* b, int shift, int* a)
    {
        for (int p = 0; p < Rows; p += Half)
        {
            Vector256<int> pairs = Vector256.Load(b + p).AsInt32();
            int* target = a + FirstRow(p);
            (Vector256.Load(target) + (((pairs << 16) >> 16) << shift)).Store(target);
            (Vector256.Load(target + Half) + ((pairs >> 16) << shift)).Store(target + Half);
        }
    }

    /// <summary>a ← a − b, by lane.</summary>
    public static void Subtract(short* b, short* a)
    {
        for (int p = 0; p < Rows; p += LaneGroup) (Vector512.Load(a + p) - Vector512.Load(b + p)).Store(a + p);
    }

    /// <summary>a ← number − a.</summary>
    public static void SubtractFrom(int number, int* a)
    {
        Vector256<int> all = Vector256.Create(number);
        for (int r = 0; r < Rows; r += 8) (all - Vector256.Load(a + r)).Store(a + r);
    }

    /// <summary>a ← a − zeros · all.</summary>
    public static void SubtractZeros(int* a, short* zeros, int* all)
    {
        for (int r = 0; r < Rows; r += 8) (Vector256.Load(a + r) - (Widened(zeros + r) * Vector256.Load(all + r))).Store(a + r);
    }

    /// <summary>Codes of set bits instead of signed ones: a ← (a + number · total) / 2 − zeros · total, number = 2^bits − 1.</summary>
    /// <param name="a">Σ_b 2^b · W(plane b), by row.</param>
    /// <param name="zeros">[128], zero codes.</param>
    /// <param name="number">The largest code.</param>
    /// <param name="total">Σ q.</param>
    public static void ToCodes(int* a, short* zeros, int number, int total)
    {
        Vector256<int> all = Vector256.Create(total);
        Vector256<int> offset = Vector256.Create(number * total);
        for (int r = 0; r < Rows; r += 8) (((Vector256.Load(a + r) + offset) >> 1) - (Widened(zeros + r) * all)).Store(a + r);
    }

    /// <summary>Likewise with one zero code for all rows.</summary>
    public static void ToCodes(int* a, int zero, int number, int total)
    {
        Vector256<int> offset = Vector256.Create((number - (2 * zero)) * total);
        for (int r = 0; r < Rows; r += 8) ((Vector256.Load(a + r) + offset) >> 1).Store(a + r);
    }

    /// <summary>The rows of lanes p, p + 2, …, p + 14; those of the lanes between are 16 further.</summary>
    private static int FirstRow(int p) => (p & ~(LaneGroup - 1)) + (p % LaneGroup / 2);

    private static void AddScaled<T>(short* sums, byte* scales, float factor, float* y)
        where T : struct, IScaleReader
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<float> s = Vector512.Create(factor);
            for (int row = 0; row < Rows; row += Block)
            {
                Vector512<int> first = Vector512.Load(sums + row).AsInt32();
                Vector512<int> second = Vector512.Load(sums + row + LaneGroup).AsInt32();
                AddScaled<T>((first << 16) >> 16, s, scales, row, 0, y);
                AddScaled<T>(first >> 16, s, scales, row, 1, y);
                AddScaled<T>((second << 16) >> 16, s, scales, row, 2, y);
                AddScaled<T>(second >> 16, s, scales, row, 3, y);
            }

            return;
        }

        Vector256<float> narrow = Vector256.Create(factor);
        for (int k = 0; k < Rows / 32; k++)
        {
            // Rows row … row + 7 and those 16, 32 and 48 further.
            int row = (k / 2 * Block) + (k % 2 * 8);
            Vector256<int> first = Vector256.Load(sums + (k / 2 * Block) + (k % 2 * Half)).AsInt32();
            Vector256<int> second = Vector256.Load(sums + (k / 2 * Block) + (k % 2 * Half) + LaneGroup).AsInt32();
            AddScaled<T>((first << 16) >> 16, narrow, scales, row, 0, y);
            AddScaled<T>(first >> 16, narrow, scales, row, 1, y);
            AddScaled<T>((second << 16) >> 16, narrow, scales, row, 2, y);
            AddScaled<T>(second >> 16, narrow, scales, row, 3, y);
        }
    }

    private static void AddScaled<T>(int* sums, byte* scales, float factor, float* y)
        where T : struct, IScaleReader
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<float> s = Vector512.Create(factor);
            for (int row = 0; row < Rows; row += Block)
            {
                AddScaled<T>(Vector512.Load(sums + row), s, scales, row, 0, y);
                AddScaled<T>(Vector512.Load(sums + row + Half), s, scales, row, 1, y);
                AddScaled<T>(Vector512.Load(sums + row + (2 * Half)), s, scales, row, 2, y);
                AddScaled<T>(Vector512.Load(sums + row + (3 * Half)), s, scales, row, 3, y);
            }

            return;
        }

        Vector256<float> narrow = Vector256.Create(factor);
        for (int k = 0; k < Rows / 32; k++)
        {
            int row = (k / 2 * Block) + (k % 2 * 8);
            AddScaled<T>(Vector256.Load(sums + row), narrow, scales, row, 0, y);
            AddScaled<T>(Vector256.Load(sums + row + Half), narrow, scales, row, 1, y);
            AddScaled<T>(Vector256.Load(sums + row + (2 * Half)), narrow, scales, row, 2, y);
            AddScaled<T>(Vector256.Load(sums + row + (3 * Half)), narrow, scales, row, 3, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled<T>(Vector512<int> sums, Vector512<float> s, byte* scales, int row, int quarter, float* y)
        where T : struct, IScaleReader
    {
        float* target = y + row + (quarter * Half);
        Vector512.FusedMultiplyAdd(T.Read16(scales, row, quarter) * s, Vector512.ConvertToSingle(sums), Vector512.Load(target)).Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled<T>(Vector256<int> sums, Vector256<float> s, byte* scales, int row, int quarter, float* y)
        where T : struct, IScaleReader
    {
        float* target = y + row + (quarter * Half);
        Vector256.FusedMultiplyAdd(T.Read(scales, row, quarter) * s, Vector256.ConvertToSingle(sums), Vector256.Load(target)).Store(target);
    }

    private static Vector256<int> Widened(short* zeros) => Vector256.WidenLower(Vector128.Load(zeros).ToVector256Unsafe());
}
