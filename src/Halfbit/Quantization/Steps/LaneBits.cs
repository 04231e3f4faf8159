using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>A matrix of bits as a walk over columns reads and writes it: for each sixteen rows and each column one mask, bit r of which belongs to the row of lane r.</summary>
internal sealed class LaneBits(int rows, int columns)
{
    private const int Lanes = RowTile.Lanes;

    /// <summary>[tiles, columns].</summary>
    private readonly ushort[] masks = new ushort[(rows + Lanes - 1) / Lanes * columns];

    /// <summary>The bits of a column in the sixteen rows from <paramref name="firstRow"/> on, a multiple of sixteen.</summary>
    public ref ushort this[int firstRow, int column] => ref masks[(firstRow / Lanes * columns) + column];

    /// <summary>The same bits, ordered for a walk.</summary>
    public static LaneBits Of(BitMatrix matrix)
    {
        var bits = new LaneBits(matrix.Rows, matrix.Columns);
        RowParallel.For(matrix.Rows, Lanes, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<ulong> words = matrix.Row(i);
                Span<ushort> target = bits.masks.AsSpan(start / Lanes * matrix.Columns, matrix.Columns);
                for (int j = 0; j < target.Length; j++) target[j] |= (ushort)((words[j >> 6] >> (j & 63) & 1) << (i - start));
            }
        });
        return bits;
    }

    /// <summary>The same bits, ordered by rows.</summary>
    public BitMatrix ToMatrix()
    {
        var matrix = new BitMatrix(rows, columns);
        RowParallel.For(rows, Lanes, (start, end) =>
        {
            ReadOnlySpan<ushort> source = masks.AsSpan(start / Lanes * columns, columns);
            for (int i = start; i < end; i++)
            {
                Span<ulong> words = matrix.Row(i);
                for (int j = 0; j < source.Length; j++) words[j >> 6] |= (ulong)(source[j] >> (i - start) & 1) << (j & 63);
            }
        });
        return matrix;
    }
}
