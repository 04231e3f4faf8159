using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// Causal attention: per head P = softmax(s·Q·Kᵀ) over the keys that a query sees, O = P·V, s = 1/√d; groups of query heads share keys and values.
/// Backward (as in arXiv 2205.14135): P is computed again from the saved logarithms of its sums; dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P ⊙ (dP − D) with D = Σ dO ⊙ O, dQ = s·dS·K, dK = s·dSᵀ·Q.
/// </summary>
/// <remarks>One task for each sequence and key head; its query heads, and blocks of queries, come in order, so that sums do not depend on threads.</remarks>
internal static class AttentionOperation
{
    /// <summary>Queries at a time.</summary>
    private const int Block = 64;

    /// <summary>O ← attention of Q, K and V.</summary>
    /// <param name="Q">[tokens, heads·d].</param>
    /// <param name="K">[tokens, key heads·d].</param>
    /// <param name="V">[tokens, key heads·d].</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="O">[tokens, heads·d].</param>
    /// <param name="logSums">[tokens, heads], receives log Σ exp(s·q·k) for the backward pass.</param>
    public static void Forward<T>(Matrix<T> Q, Matrix<T> K, Matrix<T> V, AttentionShape shape, Matrix<T> O, Matrix<T> logSums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => ForTasks(Q.Rows, shape, (sequence, keyHead) =>
        {
            foreach (QueryBlock block in Blocks(shape, sequence, keyHead))
            {
                MatrixView<T> P = new(RowScratch<T>.Take(block.Count * block.Keys), block.Count, block.Keys);
                MatrixView<T> keys = block.KeysOf(K), values = block.KeysOf(V);
                GenericProduct.MultiplyTransposed(block.QueriesOf(Q), keys, P);
                for (int t = 0; t < block.Count; t++)
                {
                    Span<T> seen = block.Seen(P, t);
                    TensorPrimitives.Multiply(seen, Scale<T>(shape), seen);
                    T max = TensorPrimitives.Max<T>(seen);
                    TensorPrimitives.Subtract(seen, max, seen);
                    TensorPrimitives.Exp(seen, seen);
                    T sum = TensorPrimitives.Sum<T>(seen);
                    TensorPrimitives.Multiply(seen, T.One / sum, seen);
                    logSums.Row(block.Row + t)[block.Head] = max + T.Log(sum);
                }

                GenericProduct.Multiply(P, values, block.QueriesOf(O));
            }
        });

    /// <summary>The gradients of Q, K and V.</summary>
    /// <param name="Q">[tokens, heads·d].</param>
    /// <param name="K">[tokens, key heads·d].</param>
    /// <param name="V">[tokens, key heads·d].</param>
    /// <param name="O">[tokens, heads·d], of the forward pass.</param>
    /// <param name="logSums">[tokens, heads], of the forward pass.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="dO">[tokens, heads·d].</param>
    /// <param name="dQ">[tokens, heads·d].</param>
    /// <param name="dK">[tokens, key heads·d].</param>
    /// <param name="dV">[tokens, key heads·d].</param>
    public static void Backward<T>(
        Matrix<T> Q, Matrix<T> K, Matrix<T> V, Matrix<T> O, Matrix<T> logSums, AttentionShape shape, Matrix<T> dO, Matrix<T> dQ, Matrix<T> dK, Matrix<T> dV)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => ForTasks(Q.Rows, shape, (sequence, keyHead) =>
        {
            Clear(dK, shape, sequence, keyHead);
            Clear(dV, shape, sequence, keyHead);
            foreach (QueryBlock block in Blocks(shape, sequence, keyHead))
            {
                int size = block.Count * block.Keys;
                Span<T> room = RowScratch<T>.Take(2 * size);
                MatrixView<T> P = new(room[..size], block.Count, block.Keys), dS = new(room[size..], block.Count, block.Keys);
                MatrixView<T> queries = block.QueriesOf(Q), keys = block.KeysOf(K), dOutput = block.QueriesOf(dO), output = block.QueriesOf(O);
                GenericProduct.MultiplyTransposed(queries, keys, P);
                GenericProduct.MultiplyTransposed(dOutput, block.KeysOf(V), dS);
                for (int t = 0; t < block.Count; t++)
                {
                    Span<T> p = block.Seen(P, t), ds = block.Seen(dS, t);
                    TensorPrimitives.Multiply(p, Scale<T>(shape), p);
                    TensorPrimitives.Subtract(p, logSums.Row(block.Row + t)[block.Head], p);
                    TensorPrimitives.Exp(p, p);
                    TensorPrimitives.Subtract(ds, TensorPrimitives.Dot<T>(dOutput.Row(t), output.Row(t)), ds);
                    TensorPrimitives.Multiply(ds, p, ds);
                    TensorPrimitives.Multiply(ds, Scale<T>(shape), ds);
                }

                GenericProduct.Multiply(dS, keys, block.QueriesOf(dQ));
                GenericProduct.MultiplyFirstTransposed(dS, queries, block.KeysOf(dK), accumulate: true);
                GenericProduct.MultiplyFirstTransposed(P, dOutput, block.KeysOf(dV), accumulate: true);
            }
        });

    private static T Scale<T>(AttentionShape shape)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => T.One / T.Sqrt(T.CreateChecked(shape.HeadSize));

    private static void ForTasks(int tokens, AttentionShape shape, Action<int, int> task)
        => RowParallel.For(tokens / shape.Length * shape.KeyValueHeads, 1, (start, end) =>
        {
            for (int k = start; k < end; k++) task(k / shape.KeyValueHeads, k % shape.KeyValueHeads);
        });

    private static IEnumerable<QueryBlock> Blocks(AttentionShape shape, int sequence, int keyHead)
    {
        for (int head = keyHead * shape.Sharing; head < (keyHead + 1) * shape.Sharing; head++)
        {
            for (int first = 0; first < shape.Length; first += Block) yield return new QueryBlock(shape, sequence, head, keyHead, first, Math.Min(Block, shape.Length - first));
        }
    }

    private static void Clear<T>(Matrix<T> gradient, AttentionShape shape, int sequence, int keyHead)
        where T : unmanaged
    {
        for (int t = 0; t < shape.Length; t++) gradient.Row((sequence * shape.Length) + t).Slice(keyHead * shape.HeadSize, shape.HeadSize).Clear();
    }

    /// <summary>Some queries of one head, and the keys that at least one of them sees.</summary>
    private readonly record struct QueryBlock(AttentionShape Shape, int Sequence, int Head, int KeyHead, int First, int Count)
    {
        /// <summary>Row of the first query.</summary>
        public int Row => (Sequence * Shape.Length) + First;

        /// <summary>How many keys.</summary>
        public int Keys => First + Count - FirstKey;

        private int FirstKey => Shape.FirstKey(First);

        /// <summary>[count, d].</summary>
        public MatrixView<T> QueriesOf<T>(Matrix<T> matrix)
            where T : unmanaged => matrix.View.RowRange(Row, Count)[ColumnsOf(Head)];

        /// <summary>[keys, d].</summary>
        public MatrixView<T> KeysOf<T>(Matrix<T> matrix)
            where T : unmanaged => matrix.View.RowRange((Sequence * Shape.Length) + FirstKey, Keys)[ColumnsOf(KeyHead)];

        /// <summary>What belongs to the keys that a query sees; the rest of its row becomes 0.</summary>
        public Span<T> Seen<T>(MatrixView<T> scores, int t)
            where T : unmanaged
        {
            Span<T> row = scores.Row(t);
            int start = Shape.FirstKey(First + t) - FirstKey;
            int end = First + t + 1 - FirstKey;
            row[..start].Clear();
            row[end..].Clear();
            return row[start..end];
        }

        private ColumnRange ColumnsOf(int head) => new(head * Shape.HeadSize, (head + 1) * Shape.HeadSize);
    }
}
