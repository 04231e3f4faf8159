using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>The walk of <see cref="ErrorFeedback"/> over a block of columns, sixteen rows at once, a lane each, so that their chains overlap. Scratch memory of one thread.</summary>
internal sealed class ColumnWalk
{
    private const int Lanes = RowTile.Lanes;

    [ThreadStatic]
    private static ColumnWalk? ofThread;

    private readonly float[] weights;
    private readonly float[] errors;

    private ColumnWalk(int columns)
    {
        weights = new float[columns * Lanes];
        errors = new float[columns * Lanes];
    }

    public static ColumnWalk ForThread(int columns)
    {
        if (ofThread is null || ofThread.weights.Length < columns * Lanes) ofThread = new ColumnWalk(columns);
        return ofThread;
    }

    /// <summary>Quantizes the block's columns; each makes up for the errors of those before it.</summary>
    /// <param name="W">[rows, n]; the block's columns of these rows are replaced by quantized values.</param>
    /// <param name="firstRow">First of up to sixteen rows.</param>
    /// <param name="block">Which columns.</param>
    /// <param name="blockU">[block, block], upper triangular; null: no feedback.</param>
    /// <param name="quantizer">Chooses codes.</param>
    /// <param name="E">[rows, block], receives e = (w − q)/U_jj of these rows; without feedback nothing.</param>
    public void Run(Matrix W, int firstRow, ColumnRange block, Matrix? blockU, IColumnQuantizer quantizer, MatrixView<float> E)
    {
        RowLanes rows = RowLanes.Of(firstRow, W.Rows);
        Span<float> tile = weights.AsSpan(0, block.Count * Lanes);
        RowTile.Load(W.View[block], firstRow, tile);
        for (int j = 0; j < block.Count; j++)
        {
            RefitAt(j, block, W, rows, quantizer);
            Span<float> column = tile.Slice(j * Lanes, Lanes);
            Vector512<float> w = Vector512.Create<float>(column);
            quantizer.Quantize(rows, block.Start + j, column, column);
            if (blockU is null) continue;
            ReadOnlySpan<float> u = blockU.Row(j);
            Vector512<float> e = (w - Vector512.Create<float>(column)) / u[j];
            e.CopyTo(errors, j * Lanes);
            RowTile.SubtractOuter(e, u[(j + 1)..], tile[((j + 1) * Lanes)..]);
        }

        Store(tile, rows, W.View[block]);
        if (blockU is not null) Store(errors, rows, E);
    }

    /// <summary>Refits the group that starts with column <paramref name="j"/> of the block, if one does. A group that starts inside the block is brought up to date in <paramref name="W"/> first.</summary>
    private void RefitAt(int j, ColumnRange block, Matrix W, RowLanes rows, IColumnQuantizer quantizer)
    {
        int start = block.Start + j;
        int groupSize = quantizer.RefittedGroupSize;
        if (groupSize == 0 || start % groupSize != 0) return;
        var group = new ColumnRange(start, Math.Min(start + groupSize, W.Columns));
        if (j > 0) Store(weights.AsSpan(j * Lanes), rows, W.View[new ColumnRange(start, Math.Min(group.End, block.End))]);
        foreach (int r in rows)
        {
            int i = rows.FirstRow + r;
            quantizer.Refit(i, start / groupSize, W.Row(i)[group.Start..group.End]);
        }
    }

    /// <summary>Copies the lanes of a tile to their rows.</summary>
    /// <param name="tile">[columns][16].</param>
    /// <param name="rows">Which rows.</param>
    /// <param name="destination">[rows, columns].</param>
    private static void Store(ReadOnlySpan<float> tile, RowLanes rows, MatrixView<float> destination)
    {
        foreach (int r in rows)
        {
            Span<float> row = destination.Row(rows.FirstRow + r);
            for (int j = 0, at = r; j < row.Length; j++, at += Lanes) row[j] = tile[at];
        }
    }
}
