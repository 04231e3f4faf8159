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

    /// <summary>Scale and numbers of a strip.</summary>
    /// <param name="x">The whole row of activations.</param>
    /// <param name="strip">Which of them.</param>
    /// <param name="parts">1, or 3 for exact products.</param>
    /// <param name="values">[parts][16 · words], receives q.</param>
    /// <returns>The scale of the first part; those of the next are 2⁸ and 2¹⁶ times smaller.</returns>
    [SkipLocalsInit]
    public static float Quantize(float* x, Strip strip, int parts, sbyte* values)
    {
        int count = strip.Columns.Length;
        int padded = strip.Words * PlaneKernel.WordColumns;
        float* gathered = stackalloc float[PlaneKernel.MostColumns];
        if (strip.IsContiguous)
        {
            new ReadOnlySpan<float>(x + strip.Columns[0], count).CopyTo(new Span<float>(gathered, count));
        }
        else
        {
            for (int n = 0; n < count; n++) gathered[n] = x[strip.Columns[n]];
        }

        new Span<float>(gathered + count, padded - count).Clear();
        if (strip.ColumnScales is float[] scales) TensorPrimitives.Multiply(new ReadOnlySpan<float>(gathered, count), scales, new Span<float>(gathered, count));
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
        if (parts == 1)
        {
            Vector128<float> factor = Vector128.Create(inverse);
            for (int n = 0; n < padded; n += 16)
            {
                Vector128.Narrow(
                    Vector128.Narrow(Rounded(gathered + n, factor), Rounded(gathered + n + 4, factor)),
                    Vector128.Narrow(Rounded(gathered + n + 8, factor), Rounded(gathered + n + 12, factor))).Store(values + n);
            }

            return scale;
        }

        for (int n = 0; n < padded; n++)
        {
            int q = (int)Math.Round((double)gathered[n] / largest * (Largest << 16));
            for (int part = ExactParts - 1; part >= 0; part--)
            {
                values[(part * padded) + n] = (sbyte)q;
                q = (q - (sbyte)q) >> 8;
            }
        }

        return scale;
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

    private static Vector128<int> Rounded(float* x, Vector128<float> factor) => ((Vector128.Load(x) * factor) + Vector128.Create(RoundingUnit)).AsInt32();

    /// <summary>max |x|; not a number if one is not.</summary>
    private static float LargestMagnitude(float* x, int count)
    {
        Vector128<float> largest = default;
        for (int n = 0; n < count; n += 4) largest = Vector128.Max(largest, Vector128.Abs(Vector128.Load(x + n)));
        return MathF.Max(MathF.Max(largest[0], largest[1]), MathF.Max(largest[2], largest[3]));
    }
}
