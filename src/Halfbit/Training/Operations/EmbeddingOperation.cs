using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Rows of a table by number: x_t = table[id_t]. Backward: dTable[id_t] += dx_t.</summary>
internal static class EmbeddingOperation
{
    private const int ColumnsAtOnce = 64;

    /// <summary>X ← (or +=) the rows of some numbers.</summary>
    /// <param name="ids">[tokens].</param>
    /// <param name="table">[numbers, n].</param>
    /// <param name="X">[tokens, n].</param>
    /// <param name="accumulate">Whether X is added to.</param>
    /// <exception cref="ArgumentException">A number is outside the table.</exception>
    public static void Forward<T>(ReadOnlySpan<int> ids, Matrix<T> table, Matrix<T> X, bool accumulate)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int t = 0; t < ids.Length; t++)
        {
            if ((uint)ids[t] >= (uint)table.Rows) throw new ArgumentException($"number {ids[t]} (row {t}) is outside the table of {table.Rows}", nameof(ids));
            if (accumulate) TensorPrimitives.Add(X.Row(t), table.Row(ids[t]), X.Row(t));
            else table.Row(ids[t]).CopyTo(X.Row(t));
        }
    }

    /// <summary>dTable += the gradients of the rows that were read; each thread has some columns, so that sums have the order of the tokens.</summary>
    /// <param name="ids">[tokens].</param>
    /// <param name="dX">[tokens, n].</param>
    /// <param name="dTable">[numbers, n], added to.</param>
    public static void Backward<T>(ReadOnlySpan<int> ids, Matrix<T> dX, Matrix<T> dTable)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int[] rows = ids.ToArray();
        RowParallel.For(dX.Columns, ColumnsAtOnce, (start, end) =>
        {
            for (int t = 0; t < rows.Length; t++)
            {
                Span<T> target = dTable.Row(rows[t])[start..end];
                TensorPrimitives.Add(target, dX.Row(t)[start..end], target);
            }
        });
    }
}
