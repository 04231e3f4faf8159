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
    public static float Quantize(float* x, Strip strip, int parts, sbyte* values)
    {
        int count = strip.Columns.Length;
        int padded = strip.ByteRows * PlaneKernel.ByteColumns;
        float* gathered = stackalloc float[padded];
        float largest = 0f;
        for (int n = 0; n < count; n++)
        {
            float v = x[strip.Columns[n]];
            if (strip.ColumnScales is not null) v *= strip.ColumnScales[n];
            gathered[n] = v;
            largest = MathF.Max(largest, MathF.Abs(v));
        }

        for (int n = count; n < padded; n++) gathered[n] = 0f;
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
            for (int n = 0; n < padded; n++) values[n] = (sbyte)BitConverter.SingleToInt32Bits((gathered[n] * inverse) + RoundingUnit);
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
    public static int Build(sbyte* values, int byteRows, byte* tables)
    {
        int total = 0;
        Vector128<byte> bit0 = Vector128.Create(0xFF00FF00FF00FF00).AsByte();
        Vector128<byte> bit1 = Vector128.Create(0xFFFF0000FFFF0000).AsByte();
        Vector128<byte> bit2 = Vector128.Create(0xFFFFFFFF00000000).AsByte();
        Vector128<byte> bit3 = Vector128.Create(0UL, ulong.MaxValue).AsByte();
        for (int k = 0; k < byteRows; k++)
        {
            sbyte* q = values + (k * PlaneKernel.ByteColumns);
            byte* table = tables + (k * PlaneKernel.TableBytes);
            for (int half = 0; half < 2; half++, q += 4, table += 32)
            {
                total += q[0] + q[1] + q[2] + q[3];
                Vector128<byte> low = (bit0 & Low(q[0])) + (bit1 & Low(q[1])) + (bit2 & Low(q[2])) + (bit3 & Low(q[3]));
                Vector128<byte> high = (bit0 & High(q[0])) + (bit1 & High(q[1])) + (bit2 & High(q[2])) + (bit3 & High(q[3])) + Vector128.Create((byte)PlaneKernel.HighBias);
                low.Store(table);
                high.Store(table + 16);
            }
        }

        return total;
    }

    private static Vector128<byte> Low(sbyte q) => Vector128.Create((byte)(q & 15));

    private static Vector128<byte> High(sbyte q) => Vector128.Create((byte)(q >> 4));
}
