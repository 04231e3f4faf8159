using System.Runtime.Intrinsics;

namespace Halfbit.Packing;

/// <summary>Row masks (bit j = column j) to column masks (bit l = row l): the inverse of <see cref="MaskRows.Transpose"/>.</summary>
internal static class RowLanes
{
    /// <summary>Turns up to 16 rows.</summary>
    /// <param name="masks">[rows, words].</param>
    /// <param name="rows">At most 16.</param>
    /// <param name="words">Words per row.</param>
    /// <param name="columnMasks">[columns].</param>
    public static void Of(ReadOnlySpan<ulong> masks, int rows, int words, Span<ushort> columnMasks)
    {
        int start = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            // lane k: column start + k
            Vector256<ushort> lane = Vector256.Create((ushort)1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
            for (; start + 16 <= columnMasks.Length; start += 16)
            {
                Vector256<ushort> column = Vector256<ushort>.Zero;
                for (int l = 0; l < rows; l++)
                {
                    var bits = (ushort)(masks[(l * words) + (start >> 6)] >> (start & 63));
                    column |= Vector256.Equals(Vector256.Create(bits) & lane, lane) & Vector256.Create((ushort)(1 << l));
                }

                column.CopyTo(columnMasks[start..]);
            }
        }

        OfScalar(masks, rows, words, start, columnMasks);
    }

    /// <summary>The definition of <see cref="Of"/>, from column <paramref name="firstColumn"/> on.</summary>
    public static void OfScalar(ReadOnlySpan<ulong> masks, int rows, int words, int firstColumn, Span<ushort> columnMasks)
    {
        for (int j = firstColumn; j < columnMasks.Length; j++)
        {
            int column = 0;
            for (int l = 0; l < rows; l++) column |= (int)(masks[(l * words) + (j >> 6)] >> (j & 63) & 1) << l;
            columnMasks[j] = (ushort)column;
        }
    }
}
