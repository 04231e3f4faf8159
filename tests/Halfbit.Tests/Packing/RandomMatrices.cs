using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Tests.Packing;

/// <summary>Random quantized matrices of every kind.</summary>
internal static class RandomMatrices
{
    public static readonly string[] Kinds = ["zero", "sign", "sign mu", "grid", "grid zero", "grid wide", "plain"];

    public static QuantizedMatrix Part(string kind, Random random, int rows, int columns, bool exact = false, int? bits = null)
    {
        ScaleFormat format = exact ? ScaleFormat.Exact : new ScaleFormat(ScaleKind.Half, random.Next(-30, 10));
        int groupSize = random.Next(4) switch { 0 => -1, 1 => random.Next(1, columns + 1), 2 => 8 * random.Next(1, 9), _ => 2 * columns };
        int groups = ColumnRange.CountOf(columns, groupSize);
        switch (kind)
        {
            case "zero": return new ZeroMatrix(rows, columns);
            case "sign" or "sign mu":
                return new SignMatrix(Mask(random, rows, columns, 0.5), groupSize, Numbers(random, format, rows * groups), kind == "sign" ? null : Numbers(random, format, rows * groups), format);
            case "plain": return new PlainMatrix(new Matrix(rows, columns, Numbers(random, format, rows * columns)), format);
            default:
                int width = bits ?? random.Next(1, 9);
                var codes = new byte[rows * columns];
                for (int k = 0; k < codes.Length; k++) codes[k] = (byte)random.Next(1 << width);
                short[]? zero = kind == "grid" ? null : [.. Enumerable.Range(0, rows * groups).Select(_ => (short)(kind == "grid zero" ? random.Next(1 << width) : random.Next(short.MinValue, short.MaxValue + 1)))];
                return new GridMatrix(rows, columns, width, codes, groupSize, Numbers(random, format, rows * groups), zero, format);
        }
    }

    public static BitMatrix Mask(Random random, int rows, int columns, double share)
    {
        var mask = new BitMatrix(rows, columns);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) mask[i, j] = random.NextDouble() < share;
        }

        return mask;
    }

    /// <summary>Salient weights gather in some columns and some rows.</summary>
    public static BitMatrix ClusteredMask(Random random, int rows, int columns, double share)
    {
        double[] column = [.. Enumerable.Range(0, columns).Select(_ => Math.Exp(2 * Normal(random)))];
        double[] row = [.. Enumerable.Range(0, rows).Select(_ => Math.Exp(0.5 * Normal(random)))];
        var mask = new BitMatrix(rows, columns);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double odds = share * column[j] * row[i];
                mask[i, j] = random.NextDouble() < odds / (1 + odds);
            }
        }

        return mask;
    }

    public static float[] Numbers(Random random, ScaleFormat format, int count)
    {
        var numbers = new float[count];
        for (int k = 0; k < count; k++)
        {
            float value = (float)Math.ScaleB(Normal(random), format.IsHalf ? format.Exponent + random.Next(-20, 12) : random.Next(-40, 10));
            numbers[k] = random.Next(50) switch { 0 => 0f, 1 => -0f, _ => format.Round(value) };
        }

        return numbers;
    }

    public static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
