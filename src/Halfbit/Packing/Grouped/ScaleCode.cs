using System.Numerics;

namespace Halfbit.Packing;

/// <summary>From what a coded row scale is predicted.</summary>
internal enum ScalePrediction
{
    /// <summary>The same number everywhere.</summary>
    Constant = 0,

    /// <summary>The scale block before it in the row.</summary>
    Left = 1,

    /// <summary>The same place of the coded table before it.</summary>
    Other = 2,

    /// <summary>The mean of both.</summary>
    Both = 3,
}

/// <summary>
/// How one table of row scales in bytes is coded: each byte as its distance from a prediction, in a Golomb–Rice code (Rice, 1979). Scales of one matrix lie within an
/// octave or two, so that three or four bits tell one byte from the others; the code is simple because there is only one scale for dozens of weights.
/// </summary>
/// <param name="Prediction">From what bytes are predicted.</param>
/// <param name="Shift">Bits of a distance that are stored as they are, 0 to 7.</param>
/// <param name="Center">The constant, the prediction of the first scale block, or the usual distance from the other table.</param>
internal readonly record struct ScaleCode(ScalePrediction Prediction, int Shift, byte Center)
{
    public const int ByteCount = 2;

    /// <summary>The prediction of a byte, modulo 256.</summary>
    /// <param name="n">Scale block.</param>
    /// <param name="left">The byte before it in the row; not read for the first scale block.</param>
    /// <param name="other">The byte at the same place of the table before.</param>
    public int Predict(int n, int left, int other) => Prediction switch
    {
        ScalePrediction.Constant => Center,
        ScalePrediction.Left => n == 0 ? Center : left,
        ScalePrediction.Other => other + (sbyte)Center,
        _ => n == 0 ? other + (sbyte)Center : (other + (sbyte)Center + left) >> 1,
    };

    /// <summary>The shortest code of a table.</summary>
    /// <param name="table">[rows, blocks].</param>
    /// <param name="blocks">Scale blocks.</param>
    /// <param name="other">The coded table before, of the same shape; empty: there is none.</param>
    /// <param name="bits">The length of the code.</param>
    public static ScaleCode Fit(byte[] table, int blocks, byte[] other, out long bits)
    {
        bits = long.MaxValue;
        ScaleCode best = default;
        foreach (ScalePrediction prediction in Enum.GetValues<ScalePrediction>())
        {
            bool usesOther = prediction is ScalePrediction.Other or ScalePrediction.Both;
            if (usesOther && other.Length == 0) continue;
            byte center = Median(prediction switch
            {
                ScalePrediction.Constant => table.Select(v => (int)v),
                ScalePrediction.Left => table.Where((_, k) => k % blocks == 0).Select(v => (int)v),
                _ => table.Select((v, k) => (int)(sbyte)(v - other[k])),
            });
            var code = new ScaleCode(prediction, 0, center);
            var distances = new long[256];
            for (int k = 0; k < table.Length; k++)
                distances[Folded(table[k] - code.Predict(k % blocks, k == 0 ? 0 : table[k - 1], usesOther ? other[k] : 0))]++;
            for (int shift = 0; shift < 8; shift++)
            {
                long length = 0;
                for (int d = 0; d < distances.Length; d++) length += distances[d] * ((d >> shift) + 1 + shift);
                if (length >= bits) continue;
                bits = length;
                best = code with { Shift = shift };
            }
        }

        return best;
    }

    /// <summary>Writes one byte into cleared bits.</summary>
    /// <returns>The bit after it.</returns>
    public long Write(int value, int prediction, Span<byte> destination, long bit)
    {
        int distance = Folded(value - prediction);
        bit += distance >> Shift;
        BitPacking.Write(destination, bit, 1 + Shift, 1 | ((ulong)(distance & ((1 << Shift) - 1)) << 1));
        return bit + 1 + Shift;
    }

    /// <summary>Bits of one byte.</summary>
    public int Length(int value, int prediction) => (Folded(value - prediction) >> Shift) + 1 + Shift;

    /// <summary>Reads one byte.</summary>
    /// <param name="source">The bits.</param>
    /// <param name="bit">Where it starts; on return the bit after it.</param>
    /// <param name="prediction">What it was predicted to be.</param>
    /// <param name="value">The byte.</param>
    /// <returns>False when the bits are no code.</returns>
    public bool TryRead(ReadOnlySpan<byte> source, ref long bit, int prediction, out byte value)
    {
        int quotient = 0;
        ulong word = BitPacking.Read(source, bit, 64);
        for (; word == 0 && quotient < 256; quotient += 64, word = BitPacking.Read(source, bit, 64)) bit += 64;
        int zeros = BitOperations.TrailingZeroCount(word);
        quotient += zeros;
        bit += zeros + 1;
        int distance = (quotient << Shift) | (int)BitPacking.Read(source, bit, Shift);
        bit += Shift;
        value = (byte)(prediction + ((distance & 1) == 0 ? distance >> 1 : -((distance + 1) >> 1)));
        return distance < 256;
    }

    /// <summary>0, −1, 1, −2, … become 0, 1, 2, 3, …, modulo 256.</summary>
    private static int Folded(int difference)
    {
        int d = (sbyte)difference;
        return d >= 0 ? 2 * d : (-2 * d) - 1;
    }

    private static byte Median(IEnumerable<int> values)
    {
        int[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? (byte)0 : (byte)sorted[sorted.Length / 2];
    }
}
