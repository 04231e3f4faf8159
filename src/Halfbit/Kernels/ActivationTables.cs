using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halfbit.Kernels;

/// <summary>Turns the activations of a strip into eight-bit numbers with one scale, and those into the tables of <see cref="PlaneKernel"/>.</summary>
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
    /// <param name="values">[parts][8 · byteRows], receives q.</param>
    /// <returns>The scale of the first part; those of the next are 2⁸ and 2¹⁶ times smaller.</returns>
    [SkipLocalsInit]
    public static float Quantize(float* x, Strip strip, int parts, sbyte* values)
    {
        int count = strip.Columns.Length;
        int padded = strip.ByteRows * PlaneKernel.ByteColumns;
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

    /// <summary>The tables of some activations.</summary>
    /// <param name="values">[8 · byteRows].</param>
    /// <param name="byteRows">Columns ÷ 8.</param>
    /// <param name="tables">[byteRows][64], receives them.</param>
    /// <returns>Σ q.</returns>
    /// <remarks>Entry e of a table is the sum over the bits k of e of activation k: four lookups of that activation, which give 0 where bit k of e is clear.</remarks>
    public static int Build(sbyte* values, int byteRows, byte* tables)
    {
        Vector128<short> total = default;
        Vector128<byte> bit0 = Index(0), bit1 = Index(1), bit2 = Index(2), bit3 = Index(3);
        Vector128<byte> four = Vector128.Create((byte)4);

        // q + 128 = 16·(h + 8) + l; the table of high parts makes up for the eights.
        Vector128<byte> offset = Vector128.Create((byte)32, 24, 24, 16, 24, 16, 16, 8, 24, 16, 16, 8, 16, 8, 8, 0);
        for (int k = 0; k < byteRows; k++, tables += PlaneKernel.TableBytes)
        {
            Vector128<byte> q = Vector128.CreateScalar(*(ulong*)(values + (k * PlaneKernel.ByteColumns))).AsByte();
            total += Vector128.WidenLower(q.AsSByte());
            Vector128<byte> low = q & Vector128.Create((byte)15);
            Vector128<byte> high = ((q ^ Vector128.Create((byte)128)).AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15);
            Sums(low, bit0, bit1, bit2, bit3).Store(tables);
            (Sums(high, bit0, bit1, bit2, bit3) + offset).Store(tables + 16);
            Sums(low, bit0 + four, bit1 + four, bit2 + four, bit3 + four).Store(tables + 32);
            (Sums(high, bit0 + four, bit1 + four, bit2 + four, bit3 + four) + offset).Store(tables + 48);
        }

        return Vector128.Sum(total);
    }

    /// <summary>k where bit k of the position is set, else a number that no lookup finds, not even 4 further.</summary>
    private static Vector128<byte> Index(int k)
    {
        const byte None = 0xF0;
        Vector128<byte> position = Vector128<byte>.Indices;
        Vector128<byte> bit = Vector128.Create((byte)(1 << k));
        return Vector128.ConditionalSelect(Vector128.Equals(position & bit, bit), Vector128.Create((byte)k), Vector128.Create(None));
    }

    private static Vector128<byte> Sums(Vector128<byte> parts, Vector128<byte> bit0, Vector128<byte> bit1, Vector128<byte> bit2, Vector128<byte> bit3)
        => Vector128.ShuffleNative(parts, bit0) + Vector128.ShuffleNative(parts, bit1) + (Vector128.ShuffleNative(parts, bit2) + Vector128.ShuffleNative(parts, bit3));

    private static Vector128<int> Rounded(float* x, Vector128<float> factor) => ((Vector128.Load(x) * factor) + Vector128.Create(RoundingUnit)).AsInt32();

    /// <summary>max |x|; not a number if one is not.</summary>
    private static float LargestMagnitude(float* x, int count)
    {
        Vector128<float> largest = default;
        for (int n = 0; n < count; n += 4) largest = Vector128.Max(largest, Vector128.Abs(Vector128.Load(x + n)));
        return MathF.Max(MathF.Max(largest[0], largest[1]), MathF.Max(largest[2], largest[3]));
    }
}
