using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halfbit.Kernels;

/// <summary>Steps on the sums of a tile.</summary>
internal static unsafe class TileSums
{
    private const int Rows = PlaneKernel.TileRows;

    /// <summary>y ← y + (scale · s) · (2·plus − all): signs, of which <paramref name="plus"/> sums the positive ones and <paramref name="all"/> all.</summary>
    public static void AddSigned(int* plus, int all, in ScaleTable table, byte* scales, float s, float* y)
    {
        Vector256<int> total = Vector256.Create(all);
        for (int r = 0; r < Rows; r += 8) AddScaled((Vector256.Load(plus + r) << 1) - total, table.Read(scales, r), s, y + r);
    }

    /// <summary>y ← y + (scale · s) · sums.</summary>
    public static void AddScaled(int* sums, in ScaleTable table, byte* scales, float s, float* y)
    {
        for (int r = 0; r < Rows; r += 8) AddScaled(Vector256.Load(sums + r), table.Read(scales, r), s, y + r);
    }

    /// <summary>y ← y + (scale · s) · number.</summary>
    public static void AddScaled(int number, in ScaleTable table, byte* scales, float s, float* y)
    {
        for (int r = 0; r < Rows; r += 8) AddScaled(Vector256.Create(number), table.Read(scales, r), s, y + r);
    }

    /// <summary>plus ← 2·plus − all.</summary>
    public static void ToSigned(int* plus, int* all)
    {
        for (int r = 0; r < Rows; r += 8) ((Vector256.Load(plus + r) << 1) - Vector256.Load(all + r)).Store(plus + r);
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

    /// <summary>a ← number.</summary>
    public static void Fill(int* a, int number) => new Span<int>(a, Rows).Fill(number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled(Vector256<int> sums, Vector256<float> scales, float s, float* y)
        => Vector256.FusedMultiplyAdd(scales * s, Vector256.ConvertToSingle(sums), Vector256.Load(y)).Store(y);
}
