using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halfbit.Numerics;

/// <summary>Sums over squares of 16-bit weights that are transposed and widened in registers.</summary>
internal unsafe interface IHalfSquares
{
    /// <summary>Outputs of a chain: lanes of a vector.</summary>
    int Lanes { get; }

    /// <summary>Columns of a square.</summary>
    int Columns { get; }

    /// <summary>sums[g, t, v] ← Σₚ x[t, p]·rows[g·lanes + v][p], p ascending.</summary>
    /// <typeparam name="TFormat">How weights are widened.</typeparam>
    /// <param name="rows">[<see cref="HalfProduct.GroupRows"/>] addresses.</param>
    /// <param name="count">Columns to sum, a multiple of <see cref="Columns"/>.</param>
    /// <param name="stride">Weights between two rows of W, for fetching in advance.</param>
    /// <param name="x">[count / columns, height, columns], activations.</param>
    /// <param name="height">Rows of X.</param>
    /// <param name="sums">[groups, height, lanes]; zeros on entry.</param>
    /// <returns>Whether all weights were numbers that the format can widen.</returns>
    bool Accumulate<TFormat>(ushort** rows, nint count, nint stride, float* x, int height, float* sums)
        where TFormat : struct, IWideFormat;
}

/// <summary>How pairs of 16-bit numbers, one in each half of a lane, become single precision.</summary>
internal interface IWideFormat
{
    /// <summary>Bits of a 16-bit number that tell its size.</summary>
    static abstract ushort MagnitudeBits { get; }

    /// <summary>The largest magnitude that is a number; larger ones are infinity and not-a-number.</summary>
    static abstract ushort LargestMagnitude { get; }

    /// <summary>The lower numbers: those of even columns.</summary>
    static abstract Vector512<float> Even(Vector512<int> pairs);

    /// <summary>The upper numbers.</summary>
    static abstract Vector512<float> Odd(Vector512<int> pairs);

    /// <summary>The lower numbers.</summary>
    static abstract Vector256<float> Even(Vector256<int> pairs);

    /// <summary>The upper numbers.</summary>
    static abstract Vector256<float> Odd(Vector256<int> pairs);
}

/// <summary>Half precision: sign, exponent and mantissa are moved to their places; the number is then <see cref="HalfSquares.BiasRatio"/> times too small.</summary>
internal readonly struct WideHalf : IWideFormat
{
    private const int Places = unchecked((int)0x8FFFE000);

    public static ushort MagnitudeBits => 0x7FFF;

    public static ushort LargestMagnitude => 0x7BFF;

    // Multiplied by 2¹³, a 16-bit number is 13 bits further up, with copies of its sign above it; the mask leaves the highest of those.
    public static Vector512<float> Even(Vector512<int> pairs) => (Avx512BW.MultiplyAddAdjacent(pairs.AsInt16(), Vector512.Create(1 << 13).AsInt16()) & Vector512.Create(Places)).AsSingle();

    public static Vector512<float> Odd(Vector512<int> pairs) => (Avx512BW.MultiplyAddAdjacent(pairs.AsInt16(), Vector512.Create(1 << 29).AsInt16()) & Vector512.Create(Places)).AsSingle();

    public static Vector256<float> Even(Vector256<int> pairs) => (Avx2.MultiplyAddAdjacent(pairs.AsInt16(), Vector256.Create(1 << 13).AsInt16()) & Vector256.Create(Places)).AsSingle();

    public static Vector256<float> Odd(Vector256<int> pairs) => (Avx2.MultiplyAddAdjacent(pairs.AsInt16(), Vector256.Create(1 << 29).AsInt16()) & Vector256.Create(Places)).AsSingle();
}

/// <summary>bfloat16: the upper half of a single-precision number, whatever it is.</summary>
internal readonly struct WideBFloat16 : IWideFormat
{
    private const int Upper = unchecked((int)0xFFFF0000);

    public static ushort MagnitudeBits => 0;

    public static ushort LargestMagnitude => 0;

    public static Vector512<float> Even(Vector512<int> pairs) => (pairs << 16).AsSingle();

    public static Vector512<float> Odd(Vector512<int> pairs) => (pairs & Vector512.Create(Upper)).AsSingle();

    public static Vector256<float> Even(Vector256<int> pairs) => (pairs << 16).AsSingle();

    public static Vector256<float> Odd(Vector256<int> pairs) => (pairs & Vector256.Create(Upper)).AsSingle();
}

/// <summary>The squares of each kernel.</summary>
internal static class HalfSquares
{
    /// <summary>2¹¹²: between the bias of single and that of half precision.</summary>
    public const float BiasRatio = 5.192296858534828e33f;

    /// <summary>The squares of a <see cref="DenseKernel"/>; null where weights are better expanded first.</summary>
    public static IHalfSquares? Of(string kernel) => kernel switch
    {
        "avx512" when HalfSquares512.IsSupported => HalfSquares512.Instance,
        "avx512" or "avx2" => HalfSquares256.Instance,
        _ => null,
    };
}
