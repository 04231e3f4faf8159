using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// Causal attention within each sequence, per query head: S = Q·Kᵀ/√d, P = softmax(S) over the keys that a query sees, O = P·V.
/// Query head h reads key and value head h / (heads / key-value heads).
/// </summary>
/// <remarks>
/// P is never kept: of each query's row only ℓ = log Σ exp(S) is, from which the backward pass makes P = exp(S − ℓ) again (arXiv 2205.14135).
/// Queries are taken in blocks, and with them the keys that any of the block sees, so that about half of the square is never computed.
/// </remarks>
internal static class AttentionOperation
{
    /// <summary>Queries of a block: enough to make a product worth its set-up, few enough to waste little of the causal triangle.</summary>
    private const int BlockRows = 64;

    /// <summary>O ← P·V;  ℓ ← log Σ exp(S).</summary>
    /// <param name="Q">[tokens, heads·d].</param>
    /// <param name="K">[tokens, key-value heads·d].</param>
    /// <param name="V">[tokens, key-value heads·d].</param>
    /// <param name="shape">Heads, length, window.</param>
    /// <param name="O">[tokens, heads·d], destination; must not overlap the inputs.</param>
    /// <param name="logSums">ℓ, [tokens, heads], destination.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Forward<T>(Matrix<T> Q, Matrix<T> K, Matrix<T> V, AttentionShape shape, Matrix<T> O, Matrix<T> logSums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Check(Q, K, V, shape, O, logSums);
        int blocks = (shape.Length + BlockRows - 1) / BlockRows;
        SteadyLoop.For(Q.Rows / shape.Length * shape.Heads * blocks, 1, (Q, K, V, shape, O, logSums, blocks), static (s, start, end) =>
        {
            for (int task = start; task < end; task++)
            {
                int head = task / s.blocks % s.shape.Heads;
                int sequence = task / s.blocks / s.shape.Heads;
                var block = new Block(s.shape, sequence, head, s.blocks - 1 - (task % s.blocks));       // long blocks first: threads end together
                Forward(s.Q, s.K, s.V, block, s.O, s.logSums);
            }
        });
    }

    /// <summary>
    /// With P = exp(S − ℓ) and Δ = Σ over features of dO ⊙ O:  dP = dO·Vᵀ,  dS = P ⊙ (dP − Δ)/√d,
    /// dQ ← dS·K;  dK ← Σ dSᵀ·Q and dV ← Σ Pᵀ·dO over the query heads of a key and value head, in order.
    /// </summary>
    /// <param name="Q">[tokens, heads·d], as in the forward pass.</param>
    /// <param name="K">[tokens, key-value heads·d].</param>
    /// <param name="V">[tokens, key-value heads·d].</param>
    /// <param name="O">[tokens, heads·d], result of the forward pass.</param>
    /// <param name="logSums">ℓ, [tokens, heads], result of the forward pass.</param>
    /// <param name="shape">Heads, length, window.</param>
    /// <param name="dO">[tokens, heads·d].</param>
    /// <param name="dQ">[tokens, heads·d], destination.</param>
    /// <param name="dK">[tokens, key-value heads·d], destination.</param>
    /// <param name="dV">[tokens, key-value heads·d], destination.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Backward<T>(
        Matrix<T> Q, Matrix<T> K, Matrix<T> V, Matrix<T> O, Matrix<T> logSums, AttentionShape shape, Matrix<T> dO, Matrix<T> dQ, Matrix<T> dK, Matrix<T> dV)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Check(Q, K, V, shape, O, logSums);
        ShapeCheck.Same(dO, Q);
        ShapeCheck.Same(dQ, Q);
        ShapeCheck.Same(dK, K);
        ShapeCheck.Same(dV, V);
        SteadyLoop.For(Q.Rows / shape.Length * shape.KeyValueHeads, 1, (Q, K, V, O, logSums, shape, dO, dQ, dK, dV), static (s, start, end) =>
        {
            int blocks = (s.shape.Length + BlockRows - 1) / BlockRows;
            for (int task = start; task < end; task++)
            {
                int sequence = task / s.shape.KeyValueHeads;
                int firstHead = task % s.shape.KeyValueHeads * s.shape.Sharing;
                Clear(s.dK, s.shape, task);
                Clear(s.dV, s.shape, task);
                for (int head = firstHead; head < firstHead + s.shape.Sharing; head++)
                {
                    for (int b = 0; b < blocks; b++)
                    {
                        var block = new Block(s.shape, sequence, head, b);
                        Backward(s.Q, s.K, s.V, s.O, s.logSums, block, s.dO, s.dQ, s.dK, s.dV);
                    }
                }
            }
        });
    }

    private static void Forward<T>(Matrix<T> Q, Matrix<T> K, Matrix<T> V, Block block, Matrix<T> O, Matrix<T> logSums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T scale = T.One / T.Sqrt(T.CreateChecked(block.Shape.HeadSize));
        MatrixView<T> P = new(OperationScratch<T>.First(block.Rows * block.Keys), block.Rows, block.Keys);
        MatrixView<T> output = block.OfQueries(O);
        GenericProduct.MultiplyTransposed(block.OfQueries(Q), block.OfKeys(K), P);
        Span<T> inverseSums = stackalloc T[BlockRows];
        for (int t = 0; t < block.Rows; t++)
        {
            Span<T> seen = block.Seen(P, t);
            TensorPrimitives.Multiply(seen, scale, seen);
            T max = TensorPrimitives.Max<T>(seen);
            TensorPrimitives.Subtract(seen, max, seen);
            TensorPrimitives.Exp(seen, seen);
            T sum = RowSum.Of<T>(seen);
            inverseSums[t] = T.One / sum;
            logSums[block.FirstRow + t, block.Head] = max + T.Log(sum);
        }

        GenericProduct.Multiply(P, block.OfKeys(V), output);
        for (int t = 0; t < block.Rows; t++) TensorPrimitives.Multiply(output.Row(t), inverseSums[t], output.Row(t));
    }

    private static void Backward<T>(
        Matrix<T> Q, Matrix<T> K, Matrix<T> V, Matrix<T> O, Matrix<T> logSums, Block block, Matrix<T> dO, Matrix<T> dQ, Matrix<T> dK, Matrix<T> dV)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T scale = T.One / T.Sqrt(T.CreateChecked(block.Shape.HeadSize));
        MatrixView<T> P = new(OperationScratch<T>.First(block.Rows * block.Keys), block.Rows, block.Keys);
        MatrixView<T> dS = new(OperationScratch<T>.Second(block.Rows * block.Keys), block.Rows, block.Keys);
        MatrixView<T> queries = block.OfQueries(Q), keys = block.OfKeys(K), outputs = block.OfQueries(O), dOutputs = block.OfQueries(dO);
        GenericProduct.MultiplyTransposed(queries, keys, P);
        GenericProduct.MultiplyTransposed(dOutputs, block.OfKeys(V), dS);               // dP
        for (int t = 0; t < block.Rows; t++)
        {
            T delta = RowSum.OfProducts<T>(dOutputs.Row(t), outputs.Row(t));
            Span<T> p = block.Seen(P, t);
            Span<T> ds = block.Seen(dS, t);
            TensorPrimitives.Multiply(p, scale, p);
            TensorPrimitives.Subtract(p, logSums[block.FirstRow + t, block.Head], p);
            TensorPrimitives.Exp(p, p);
            TensorPrimitives.Subtract(ds, delta, ds);
            TensorPrimitives.Multiply(ds, scale, ds);
            TensorPrimitives.Multiply(ds, p, ds);
        }

        GenericProduct.MultiplyFirstTransposed(P, dOutputs, block.OfKeys(dV), accumulate: true);
        GenericProduct.MultiplyFirstTransposed(dS, queries, block.OfKeys(dK), accumulate: true);
        GenericProduct.Multiply(dS, keys, block.OfQueries(dQ));
    }

    /// <summary>Sets one key and value head of one sequence to 0.</summary>
    private static void Clear<T>(Matrix<T> matrix, AttentionShape shape, int task)
        where T : unmanaged
    {
        int firstRow = task / shape.KeyValueHeads * shape.Length;
        int firstColumn = task % shape.KeyValueHeads * shape.HeadSize;
        for (int t = firstRow; t < firstRow + shape.Length; t++) matrix.Row(t).Slice(firstColumn, shape.HeadSize).Clear();
    }

    private static void Check<T>(Matrix<T> Q, Matrix<T> K, Matrix<T> V, AttentionShape shape, Matrix<T> O, Matrix<T> logSums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (shape.Heads % shape.KeyValueHeads != 0) throw new ArgumentException($"{shape.Heads} query heads cannot share {shape.KeyValueHeads} key and value heads evenly", nameof(shape));
        if (shape.Window < 1) throw new ArgumentException($"a window of {shape.Window} keys shows a query nothing; the least is 1", nameof(shape));
        if (Q.Rows % shape.Length != 0) throw new ArgumentException($"{Q.Rows} rows are not sequences of {shape.Length} tokens", nameof(Q));
        ShapeCheck.Is(Q, Q.Rows, shape.Heads * shape.HeadSize);
        ShapeCheck.Is(K, Q.Rows, shape.KeyValueHeads * shape.HeadSize);
        ShapeCheck.Same(V, K);
        ShapeCheck.Same(O, Q);
        ShapeCheck.Is(logSums, Q.Rows, shape.Heads);
    }

    /// <summary>Some queries of one head of one sequence, and the keys that any of them sees.</summary>
    private readonly struct Block
    {
        private readonly int firstPosition;
        private readonly int firstKey;
        private readonly int sequenceRow;

        public Block(AttentionShape shape, int sequence, int head, int index)
        {
            Shape = shape;
            Head = head;
            firstPosition = index * BlockRows;
            Rows = Math.Min(BlockRows, shape.Length - firstPosition);
            firstKey = shape.FirstKey(firstPosition);
            Keys = firstPosition + Rows - firstKey;
            sequenceRow = sequence * shape.Length;
        }

        public AttentionShape Shape { get; }

        public int Head { get; }

        /// <summary>Queries.</summary>
        public int Rows { get; }

        /// <summary>Keys.</summary>
        public int Keys { get; }

        /// <summary>The row of the first query in the batch.</summary>
        public int FirstRow => sequenceRow + firstPosition;

        private int KeyValueHead => Head / Shape.Sharing;

        /// <summary>The block's queries in a matrix of all query heads, [rows, d].</summary>
        public MatrixView<T> OfQueries<T>(Matrix<T> matrix)
            where T : unmanaged
            => matrix.View.RowRange(FirstRow, Rows)[ColumnsOf(Head)];

        /// <summary>The block's keys in a matrix of all key and value heads, [keys, d].</summary>
        public MatrixView<T> OfKeys<T>(Matrix<T> matrix)
            where T : unmanaged
            => matrix.View.RowRange(sequenceRow + firstKey, Keys)[ColumnsOf(KeyValueHead)];

        /// <summary>The scores of the keys that query <paramref name="t"/> of the block sees; those of the others are set to 0.</summary>
        /// <param name="scores">[rows, keys].</param>
        /// <param name="t">A query of the block.</param>
        public Span<T> Seen<T>(MatrixView<T> scores, int t)
            where T : unmanaged
        {
            int from = Shape.FirstKey(firstPosition + t) - firstKey;
            int to = firstPosition + t + 1 - firstKey;
            Span<T> row = scores.Row(t);
            row[..from].Clear();
            row[to..].Clear();
            return row[from..to];
        }

        private ColumnRange ColumnsOf(int head) => new(head * Shape.HeadSize, (head + 1) * Shape.HeadSize);
    }
}
