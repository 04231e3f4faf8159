using Halfbit.Numerics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>One group of a block for fits over all rows: the columns that it may use, moved together, with a mask of the weights that are in it.</summary>
internal sealed class MaskedColumns
{
    private MaskedColumns(int rows, int[] columns)
    {
        Rows = rows;
        Columns = columns;
        Stride = FourLanes.Padded(columns.Length);
        X = new float[rows * Stride];
        Mask = new float[rows * Stride];
    }

    /// <summary>Rows.</summary>
    public int Rows { get; }

    /// <summary>The columns of the block, ascending.</summary>
    public int[] Columns { get; }

    /// <summary>Elements from one row to the next: the number of columns, padded to whole vectors.</summary>
    public int Stride { get; }

    /// <summary>[rows, stride], weights; 0 outside the group.</summary>
    public float[] X { get; }

    /// <summary>[rows, stride]; 1 in the group, 0 outside.</summary>
    public float[] Mask { get; }

    /// <summary>Takes a group out of a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="group">Which group.</param>
    /// <param name="columns">The columns that the group may use.</param>
    public static MaskedColumns Of(ArbBlock block, int group, int[] columns)
    {
        var taken = new MaskedColumns(block.Rows, columns);
        RowParallel.For(taken.Rows, 64, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> row = block.W.Row(i);
                ReadOnlySpan<byte> groups = block.GroupsOfRow(i);
                Span<float> x = taken.X.AsSpan(i * taken.Stride, taken.Stride);
                Span<float> mask = taken.Mask.AsSpan(i * taken.Stride, taken.Stride);
                for (int c = 0; c < columns.Length; c++)
                {
                    int isMember = groups[columns[c]] == group ? 1 : 0;
                    x[c] = isMember * row[columns[c]];
                    mask[c] = isMember;
                }
            }
        });
        return taken;
    }

    /// <summary>[stride], the weights of a row.</summary>
    public ReadOnlySpan<float> Row(int i) => X.AsSpan(i * Stride, Stride);

    /// <summary>[stride], the mask of a row.</summary>
    public ReadOnlySpan<float> MaskRow(int i) => Mask.AsSpan(i * Stride, Stride);
}
