using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Steps on the sums of a tile.</summary>
internal static unsafe class TileSums
{
    private const int Rows = PlaneKernel.TileRows;

    /// <summary>y ← y + (scale · s) · sums.</summary>
    [SkipLocalsInit]
    public static void AddScaled(int* sums, in ScaleTable table, byte* scales, float s, float* y)
    {
        if (table.Kind == ScaleKind.Exact)
        {
            AddScaled<ExactScales>(sums, scales, s, y);
        }
        else if (!table.IsInRange(s))
        {
            float* expanded = stackalloc float[Rows];
            table.Expand(scales, expanded);
            AddScaled<ExactScales>(sums, (byte*)expanded, s, y);
        }
        else if (table.Kind == ScaleKind.Half)
        {
            AddScaled<HalfScales>(sums, scales, table.Unit * s, y);
        }
        else
        {
            AddScaled<ByteScales>(sums, scales, table.Unit * s, y);
        }
    }

    /// <summary>plus ← 2·plus − number.</summary>
    public static void ToSigned(int* plus, int number)
    {
        Vector256<int> all = Vector256.Create(number);
        for (int r = 0; r < Rows; r += 8) ((Vector256.Load(plus + r) << 1) - all).Store(plus + r);
    }

    /// <summary>plus ← 2·plus − all.</summary>
    public static void ToSigned(int* plus, int* all)
    {
        for (int r = 0; r < Rows; r += 8) ((Vector256.Load(plus + r) << 1) - Vector256.Load(all + r)).Store(plus + r);
    }

    /// <summary>The first group gets what the other leaves: first ← first − (2·plus − members), plus ← 2·plus − members.</summary>
    public static void Part(int* first, int* plus, int* members)
    {
        for (int r = 0; r < Rows; r += 8)
        {
            Vector256<int> other = (Vector256.Load(plus + r) << 1) - Vector256.Load(members + r);
            other.Store(plus + r);
            (Vector256.Load(first + r) - other).Store(first + r);
        }
    }

    /// <summary>a ← a − b.</summary>
    public static void Subtract(int* a, int* b)
    {
        for (int r = 0; r < Rows; r += 8) (Vector256.Load(a + r) - Vector256.Load(b + r)).Store(a + r);
    }

    /// <summary>a ← a + b · 2^shift.</summary>
    public static void AddShifted(int* a, int* b, int shift)
    {
        for (int r = 0; r < Rows; r += 8) (Vector256.Load(a + r) + (Vector256.Load(b + r) << shift)).Store(a + r);
    }

    /// <summary>a ← a − b · 2^shift.</summary>
    public static void SubtractShifted(int* a, int* b, int shift)
    {
        for (int r = 0; r < Rows; r += 8) (Vector256.Load(a + r) - (Vector256.Load(b + r) << shift)).Store(a + r);
    }

    /// <summary>a ← a − zeros · all.</summary>
    public static void SubtractZeros(int* a, short* zeros, int* all)
    {
        for (int r = 0; r < Rows; r += 8) (Vector256.Load(a + r) - (Widened(zeros + r) * Vector256.Load(all + r))).Store(a + r);
    }

    /// <summary>a ← a − zeros · number.</summary>
    public static void SubtractZeros(int* a, short* zeros, int number)
    {
        Vector256<int> all = Vector256.Create(number);
        for (int r = 0; r < Rows; r += 8) (Vector256.Load(a + r) - (Widened(zeros + r) * all)).Store(a + r);
    }

    /// <summary>a ← number − a.</summary>
    public static void SubtractFrom(int number, int* a)
    {
        Vector256<int> all = Vector256.Create(number);
        for (int r = 0; r < Rows; r += 8) (all - Vector256.Load(a + r)).Store(a + r);
    }

    /// <summary>a ← a − number.</summary>
    public static void Subtract(int* a, int number)
    {
        Vector256<int> all = Vector256.Create(number);
        for (int r = 0; r < Rows; r += 8) (Vector256.Load(a + r) - all).Store(a + r);
    }

    /// <summary>a ← number.</summary>
    public static void Fill(int* a, int number) => new Span<int>(a, Rows).Fill(number);

    private static void AddScaled<T>(int* sums, byte* scales, float factor, float* y)
        where T : struct, IScaleReader
    {
        Vector256<float> s = Vector256.Create(factor);
        for (int k = 0; k < Rows / 64 * 2; k++)
        {
            int r = (k / 2 * 64) + (k % 2 * 8);
            AddScaled<T>(sums, scales, r, 0, s, y);
            AddScaled<T>(sums, scales, r, 1, s, y);
            AddScaled<T>(sums, scales, r, 2, s, y);
            AddScaled<T>(sums, scales, r, 3, s, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled<T>(int* sums, byte* scales, int r, int quarter, Vector256<float> s, float* y)
        where T : struct, IScaleReader
    {
        int row = r + (16 * quarter);
        Vector256.FusedMultiplyAdd(T.Read(scales, r, quarter) * s, Vector256.ConvertToSingle(Vector256.Load(sums + row)), Vector256.Load(y + row)).Store(y + row);
    }

    private static Vector256<int> Widened(short* zeros) => Vector256.WidenLower(Vector128.Load(zeros).ToVector256Unsafe());
}
