using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halfbit.Kernels;

/// <summary>Turns the activations of a strip into eight-bit numbers with one scale; <see cref="PlaneKernel.BuildTables"/> makes tables of those.</summary>
/// <remarks>
/// x ≈ s·q with s = max |x| / 127. For exact products q has 24 bits, s = max |x| / (127·2¹⁶), and is split into three numbers of eight bits, q = 2¹⁶·q₀ + 2⁸·q₁ + q₂.
/// The error of an activation is then below 2⁻²³ of the largest of its strip.
/// </remarks>
internal static unsafe class ActivationTables
{
    /// <summary>Eight-bit numbers of an activation in exact products.</summary>
    public const int ExactParts = 3;

    private const int Largest = 127;
    private const float RoundingUnit = 12582912f; // 1.5 · 2^23: added, it leaves the nearest integer in the lowest bits
    private const double ExactRoundingUnit = 6755399441055744; // likewise, 1.5 · 2^52

    /// <summary>Scale and numbers of a strip.</summary>
    /// <param name="x">The whole row of activations.</param>
    /// <param name="strip">Which of them.</param>
    /// <param name="parts">1, or 3 for exact products.</param>
    /// <param name="values">[parts][16 · words], receives q.</param>
    /// <returns>The scale of the first part; those of the next are 2⁸ and 2¹⁶ times smaller.</returns>
    [SkipLocalsInit]
    public static float Quantize(float* x, Strip strip, int parts, sbyte* values)
    {
        int padded = strip.Words * PlaneKernel.WordColumns;
        float* room = stackalloc float[PlaneKernel.MostColumns];
        float* gathered = Gather(x, strip, padded, room);
        float largest = LargestMagnitude(gathered, padded);
        float scale = largest / Largest;
        float inverse = Largest / largest;
        if (!float.IsFinite(inverse))
        {
            // Nothing but zeros or numbers too small to count, or not finite: the latter shows in the scale.
            new Span<sbyte>(values, parts * padded).Clear();
            return float.IsFinite(largest) ? 0f : float.NaN;
        }

        if (!float.IsFinite(largest)) scale = float.NaN;
        if (parts == 1) Round(gathered, inverse, padded, values);
        else RoundExactly(gathered, largest, padded, values);
        return scale;
    }

    /// <summary>The activations of a strip: where they lie, if nothing need be done to them, else in the room given.</summary>
    private static float* Gather(float* x, Strip strip, int padded, float* room)
    {
        int count = strip.Columns.Length;
        if (strip.IsContiguous)
        {
            float* first = x + strip.Columns[0];
            if (strip.ColumnScales is null && count == padded) return first;
            new ReadOnlySpan<float>(first, count).CopyTo(new Span<float>(room, count));
        }
        else
        {
            for (int n = 0; n < count; n++) room[n] = x[strip.Columns[n]];
        }

        new Span<float>(room + count, padded - count).Clear();
        if (strip.ColumnScales is float[] scales) TensorPrimitives.Multiply(new ReadOnlySpan<float>(room, count), scales, new Span<float>(room, count));
        return room;
    }

    private static void Round(float* x, float inverse, int padded, sbyte* values)
    {
        Vector256<float> factor = Vector256.Create(inverse);
        for (int n = 0; n < padded; n += 16)
        {
            Vector256<short> both = Vector256.Narrow(Rounded(x + n, factor), Rounded(x + n + 8, factor));
            Vector128.Narrow(both.GetLower(), both.GetUpper()).Store(values + n);
        }

        static Vector256<int> Rounded(float* x, Vector256<float> factor) => ((Vector256.Load(x) * factor) + Vector256.Create(RoundingUnit)).AsInt32();
    }

    private static void RoundExactly(float* x, float largest, int padded, sbyte* values)
    {
        Vector256<double> divisor = Vector256.Create((double)largest);
        for (int n = 0; n < padded; n += 8)
        {
            Vector256<float> eight = Vector256.Load(x + n);
            Vector256<int> q = Vector256.Narrow(Rounded(Vector256.WidenLower(eight), divisor), Rounded(Vector256.WidenUpper(eight), divisor));
            for (int part = ExactParts - 1; part >= 0; part--)
            {
                Vector256<int> lowest = (q << 24) >> 24;
                Vector128<short> narrow = Vector128.Narrow(lowest.GetLower(), lowest.GetUpper());
                Vector128.Narrow(narrow, narrow).GetLower().Store(values + (part * padded) + n);
                q = (q - lowest) >> 8;
            }
        }

        static Vector256<long> Rounded(Vector256<double> x, Vector256<double> divisor)
            => ((x / divisor * Vector256.Create((double)(Largest << 16))) + Vector256.Create(ExactRoundingUnit)).AsInt64();
    }

    /// <summary>Σ q.</summary>
    /// <param name="values">[count].</param>
    /// <param name="count">A multiple of 16, at most 128.</param>
    public static int Total(sbyte* values, int count)
    {
        Vector128<short> total = default;
        for (int n = 0; n < count; n += 16)
        {
            (Vector128<short> lower, Vector128<short> upper) = Vector128.Widen(Vector128.Load(values + n));
            total += lower + upper;
        }

        return Vector128.Sum(total);
    }

    /// <summary>max |x|; not a number if one is not: without their signs, floats are in the order of their bits, and what is no number comes last.</summary>
    private static float LargestMagnitude(float* x, int count)
    {
        Vector256<int> first = default, second = default;
        Vector256<int> magnitude = Vector256.Create(int.MaxValue);
        for (int n = 0; n < count; n += 16)
        {
            first = Vector256.Max(first, Vector256.Load(x + n).AsInt32() & magnitude);
            second = Vector256.Max(second, Vector256.Load(x + n + 8).AsInt32() & magnitude);
        }

        first = Vector256.Max(first, second);
        Vector128<int> four = Vector128.Max(first.GetLower(), first.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return BitConverter.Int32BitsToSingle(Math.Max(four[0], four[1]));
    }
}
