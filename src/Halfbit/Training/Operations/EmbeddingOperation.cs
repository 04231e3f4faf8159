using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Rows of a table by id (tokens, or learned positions): xₜ = table[idₜ].</summary>
internal static class EmbeddingOperation
{
    /// <summary>Columns of the table that one thread adds to at a time.</summary>
    private const int ColumnsAtOnce = 64;

    [ThreadStatic]
    private static int[]? idBuffer;

    /// <summary>xₜ ← (xₜ +) table[idₜ].</summary>
    /// <param name="ids">[tokens], rows of the table.</param>
    /// <param name="table">[ids, n].</param>
    /// <param name="X">[tokens, n], destination.</param>
    /// <param name="accumulate">Whether to add to X instead of replacing it.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or an id is outside the table.</exception>
    public static void Forward<T>(ReadOnlySpan<int> ids, Matrix<T> table, Matrix<T> X, bool accumulate)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(X, X.Rows, table.Columns);
        ShapeCheck.Ids(ids, X.Rows, 0, table.Rows);
        SteadyLoop.For(X.Rows, Grain.Of(X.Columns), (Ids: Kept(ids), table, X, accumulate), static (s, start, end) =>
        {
            for (int t = start; t < end; t++)
            {
                Span<T> row = s.table.Row(s.Ids[t]);
                if (s.accumulate)
                    TensorPrimitives.Add(s.X.Row(t), row, s.X.Row(t));
                else
                    row.CopyTo(s.X.Row(t));
            }
        });
    }

    /// <summary>dTable[id] ← dTable[id] + Σ over the tokens t with idₜ = id of dxₜ, tokens in order.</summary>
    /// <param name="ids">[tokens], as in the forward pass.</param>
    /// <param name="dX">[tokens, n].</param>
    /// <param name="dTable">[ids, n], added to.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or an id is outside the table.</exception>
    public static void Backward<T>(ReadOnlySpan<int> ids, Matrix<T> dX, Matrix<T> dTable)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Is(dX, dX.Rows, dTable.Columns);
        ShapeCheck.Ids(ids, dX.Rows, 0, dTable.Rows);
        SteadyLoop.For(dX.Columns, ColumnsAtOnce, (Ids: Kept(ids), Count: ids.Length, dX, dTable), static (s, start, end) =>
        {
            for (int t = 0; t < s.Count; t++)
            {
                Span<T> sum = s.dTable.Row(s.Ids[t])[start..end];
                TensorPrimitives.Add(sum, s.dX.Row(t)[start..end], sum);
            }
        });
    }

    /// <summary>A copy that loops can hold on to.</summary>
    private static int[] Kept(ReadOnlySpan<int> ids)
    {
        int[] kept = OperationScratch<int>.Array(ref idBuffer, ids.Length);
        ids.CopyTo(kept);
        return kept;
    }
}
