using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>
/// Causal attention within each sequence: O = softmax(Q·Kᵀ/√d)·V per head, where groups of query heads share a key and value head.
/// With a window W, query i sees keys j with i − W &lt; j ≤ i.
/// </summary>
/// <remarks>
/// Keys are taken from a multiple of <see cref="LaneSum.Lanes"/> on, and masked keys weigh exactly 0, so that each output has the same bits
/// whether its query came alone, in a piece of a prompt or in a whole window.
/// </remarks>
internal sealed class Attention(int layer, int headCount, int keyValueHeadCount, int headSize, int? window)
{
    /// <summary>Storing a feature of a key touches a cache line, in place of an addition in an elementwise loop.</summary>
    private const int StoreCost = 16;

    private readonly int sharing = headCount / keyValueHeadCount;
    private readonly float scale = 1f / MathF.Sqrt(headSize);

    /// <summary>Stores the new keys and values in the caches, then mixes values.</summary>
    /// <param name="Q">[≥ rows, heads·d].</param>
    /// <param name="K">[≥ rows, key-value heads·d].</param>
    /// <param name="V">[≥ rows, key-value heads·d].</param>
    /// <param name="O">[≥ rows, heads·d], destination.</param>
    /// <param name="batch">Which rows belong to which sequence.</param>
    public void Apply(Matrix Q, Matrix K, Matrix V, Matrix O, SequenceBatch batch)
    {
        SteadyLoop.For(batch.Segments.Count * keyValueHeadCount, Grain.Of(StoreCost * headSize * batch.RowCount / Math.Max(batch.Segments.Count, 1)), (Attention: this, K, V, batch), static (s, start, end) =>
        {
            for (int task = start; task < end; task++) s.Attention.Store(s.K, s.V, s.batch, task);
        });
        SteadyLoop.For(batch.QueryBlocks.Count * keyValueHeadCount, PieceOf(batch), (Attention: this, Q, K, V, O, batch), static (s, start, end) =>
        {
            for (int task = start; task < end; task++) s.Attention.Mix(s.Q, s.K, s.V, s.O, s.batch, task);
        });
    }

    /// <summary>Stores one key and value head of one sequence, if it has a cache.</summary>
    private void Store(Matrix K, Matrix V, SequenceBatch batch, int task)
    {
        SequenceSegment segment = batch.Segments[task / keyValueHeadCount];
        ColumnRange columns = ColumnsOf(task % keyValueHeadCount);
        segment.Cache?.Store(layer, task % keyValueHeadCount, segment.StartPosition, RowsOf(K, segment)[columns], RowsOf(V, segment)[columns]);
    }

    /// <summary>All query heads that share one key and value head, for some queries of one sequence.</summary>
    private void Mix(Matrix Q, Matrix K, Matrix V, Matrix O, SequenceBatch batch, int task)
    {
        QueryBlock block = batch.QueryBlocks[task / keyValueHeadCount];
        SequenceSegment segment = batch.Segments[block.Segment];
        int keyValueHead = task % keyValueHeadCount;
        int firstHead = keyValueHead * sharing;
        int row = segment.FirstRow + block.First;
        int position = segment.StartPosition + block.First;
        if (block.Count == 1)
        {
            // One query: its heads lie one after the other and form the rows of one product.
            int start = firstHead * headSize;
            Mix(
                new MatrixView<float>(Q.Row(row)[start..], sharing, headSize), position, isOneQuery: true, K, V, segment, keyValueHead,
                new MatrixView<float>(O.Row(row)[start..], sharing, headSize));
            return;
        }

        for (int h = firstHead; h < firstHead + sharing; h++)
        {
            Mix(
                Q.View.RowRange(row, block.Count)[ColumnsOf(h)], position, isOneQuery: false, K, V, segment, keyValueHead,
                O.View.RowRange(row, block.Count)[ColumnsOf(h)]);
        }
    }

    /// <summary>O ← softmax(Q·Kᵀ/√d)·V for queries at position, position + 1, … or, for one query, several heads at one position.</summary>
    private void Mix(
        MatrixView<float> Q, int position, bool isOneQuery, Matrix K, Matrix V, SequenceSegment segment, int keyValueHead, MatrixView<float> O)
    {
        int last = isOneQuery ? position : position + Q.Rows - 1;
        int first = FirstKey(position) / LaneSum.Lanes * LaneSum.Lanes;
        int count = last + 1 - first;
        int padded = (count + LaneSum.Lanes - 1) / LaneSum.Lanes * LaneSum.Lanes;
        var scores = new MatrixView<float>(ThreadScratch.Scores(Q.Rows * padded), Q.Rows, padded);
        MatrixView<float> S = scores[new ColumnRange(0, count)];
        var seen = new ColumnRange(first, first + count);
        if (segment.Cache is KeyValueCache cache)
        {
            DenseProduct.Multiply(Q, cache.KeysTransposed(layer, keyValueHead, seen), S);
            ScaleRows(S, cache.KeyScales(layer, keyValueHead, seen));
        }
        else
        {
            DenseProduct.MultiplyTransposed(Q, RowsOf(K, segment).RowRange(first, count)[ColumnsOf(keyValueHead)], S);
        }

        for (int t = 0; t < Q.Rows; t++)
        {
            int query = isOneQuery ? position : position + t;
            Softmax(scores.Row(t), new ColumnRange(FirstKey(query) - first, query + 1 - first));
        }

        if (segment.Cache is KeyValueCache filled)
        {
            ScaleRows(S, filled.ValueScales(layer, keyValueHead, seen));
            DenseProduct.Multiply(S, filled.Values(layer, keyValueHead, seen), O);
            return;
        }

        DenseProduct.Multiply(S, RowsOf(V, segment).RowRange(first, count)[ColumnsOf(keyValueHead)], O);
    }

    /// <summary>Multiplies each row by the scales of the positions, if there are any.</summary>
    private static void ScaleRows(MatrixView<float> S, ReadOnlySpan<float> scales)
    {
        if (scales.IsEmpty) return;
        for (int t = 0; t < S.Rows; t++) TensorPrimitives.Multiply(S.Row(t), scales, S.Row(t));
    }

    /// <summary>Softmax of the scaled scores of the visible keys; 0 elsewhere.</summary>
    /// <param name="scores">[multiple of <see cref="LaneSum.Lanes"/>], scores on entry, weights on return.</param>
    /// <param name="visible">Keys that the query sees.</param>
    private void Softmax(Span<float> scores, ColumnRange visible)
    {
        scores[..visible.Start].Clear();
        scores[visible.End..].Clear();
        Span<float> seen = scores[visible.Start..visible.End];
        TensorPrimitives.Multiply(seen, scale, seen);
        float max = TensorPrimitives.Max((ReadOnlySpan<float>)seen);
        TensorPrimitives.Subtract(scores, max, scores);
        TensorPrimitives.Exp(scores, scores);
        scores[..visible.Start].Clear();
        scores[visible.End..].Clear();
        TensorPrimitives.Multiply(scores, 1f / LaneSum.Of(scores), scores);
    }

    private int FirstKey(int query) => window is int W ? Math.Max(0, query - W + 1) : 0;

    private ColumnRange ColumnsOf(int head) => new(head * headSize, (head + 1) * headSize);

    private static MatrixView<float> RowsOf(Matrix matrix, SequenceSegment segment) => matrix.View.RowRange(segment.FirstRow, segment.Count);

    /// <summary>Tasks per piece: one, unless the whole pass is small.</summary>
    private int PieceOf(SequenceBatch batch)
    {
        long work = (long)batch.RowCount * batch.PositionCount * headCount * headSize;
        int tasks = batch.QueryBlocks.Count * keyValueHeadCount;
        return work < 1 << 16 ? Math.Max(tasks, 1) : Math.Max(1, tasks / (RowParallel.Threads * 8));
    }
}
