using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halfbit.Kernels;

/// <summary>Reads stored scales as floats, which the unit of their <see cref="ScaleTable"/> makes true.</summary>
/// <remarks>
/// Rows go by 64, and those by quarters of 16: of a vector of 32-bit lanes, lane d has what rows d, 16 + d, 32 + d, 48 + d need, as much of it as fits.
/// So no lane ever moves to another place.
/// </remarks>
internal unsafe interface IScaleReader
{
    /// <summary>The scales of rows row + 16 · quarter to row + 16 · quarter + 15.</summary>
    /// <param name="scales">A table.</param>
    /// <param name="row">0 or 64.</param>
    /// <param name="quarter">0 to 3.</param>
    static abstract Vector512<float> Read16(byte* scales, int row, int quarter);

    /// <summary>The scales of rows row + 16 · quarter to row + 16 · quarter + 7.</summary>
    /// <param name="scales">A table.</param>
    /// <param name="row">0, 8, 64 or 72.</param>
    /// <param name="quarter">0 to 3.</param>
    static abstract Vector256<float> Read(byte* scales, int row, int quarter);
}

/// <summary>Scales in half precision, two to a lane.</summary>
internal readonly unsafe struct HalfScales : IScaleReader
{
    private const int Shift = 3;

    /// <summary>Sign and magnitude of a half in the upper 16 bits after an arithmetic shift by <see cref="Shift"/>.</summary>
    private const int SignAndNumber = unchecked((int)0x8FFFE000);

    /// <summary>Where the half of a row is.</summary>
    public static int PlaceOf(int row) => (row & ~31) + ((row & 15) * 2) + (row >> 4 & 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Read16(byte* scales, int row, int quarter)
    {
        Vector512<int> bits = Vector512.Load((int*)(scales + (2 * row) + ((quarter >> 1) * 64)));
        if ((quarter & 1) == 0) bits <<= 16;
        return ((bits >> Shift) & Vector512.Create(SignAndNumber)).AsSingle();
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(byte* scales, int row, int quarter)
    {
        Vector256<int> bits = Vector256.Load((int*)(scales + (2 * (row & ~15)) + ((quarter >> 1) * 64) + (4 * (row & 15))));
        if ((quarter & 1) == 0) bits <<= 16;
        return ((bits >> Shift) & Vector256.Create(SignAndNumber)).AsSingle();
    }
}

/// <summary>Scales of a byte, four to a lane.</summary>
internal readonly unsafe struct ByteScales : IScaleReader
{
    private const int Number = 255 << Shift;
    private const int Shift = 19;

    /// <summary>Where the byte of a row is.</summary>
    public static int PlaceOf(int row) => (row & ~63) + ((row & 15) * 4) + (row >> 4 & 3);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Read16(byte* scales, int row, int quarter)
    {
        Vector512<int> bits = Vector512.Load((int*)(scales + row));
        bits = quarter == 3 ? bits >> ((3 * 8) - Shift) : bits << (Shift - (quarter * 8));
        return (bits & Vector512.Create(Number)).AsSingle();
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(byte* scales, int row, int quarter)
    {
        Vector256<int> bits = Vector256.Load((int*)(scales + (row & ~15) + (4 * (row & 15))));
        bits = quarter == 3 ? bits >> ((3 * 8) - Shift) : bits << (Shift - (quarter * 8));
        return (bits & Vector256.Create(Number)).AsSingle();
    }
}

/// <summary>Scales in single precision, by row.</summary>
internal readonly unsafe struct ExactScales : IScaleReader
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Read16(byte* scales, int row, int quarter) => Vector512.Load((float*)scales + row + (16 * quarter));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(byte* scales, int row, int quarter) => Vector256.Load((float*)scales + row + (16 * quarter));
}

/// <summary>No scales: all are 1.</summary>
internal readonly unsafe struct UnitScales : IScaleReader
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Read16(byte* scales, int row, int quarter) => Vector512<float>.One;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Read(byte* scales, int row, int quarter) => Vector256<float>.One;
}
