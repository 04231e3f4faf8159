using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>
/// Causal attention within each sequence: O = softmax(Q·Kᵀ/√d)·V per head, where groups of query heads share a key and value head.
/// With a window W, query i sees keys j with i − W &lt; j ≤ i.
/// </summary>
/// <remarks>
/// Keys are taken from a multiple of <see cref="LaneSum.Lanes"/> on, and masked keys weigh exactly 0, so that each output has the same bits
/// whether its query came alone, in a piece of a prompt, in a whole window or in a branch of another sequence.
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
        var seen = new ColumnRange(FirstKey(position) / LaneSum.Lanes * LaneSum.Lanes, position + block.Count);
        MatrixView<float> keys = default;
        MatrixView<float> values = default;
        if (segment.Cache is null)
        {
            // Keys of one segment are read in place; those of a branch and its ancestors are first brought together.
            bool isInPlace = segment.StartPosition <= seen.Start;
            Span<float> room = isInPlace ? [] : ThreadScratch.Gathered(2 * seen.Count * headSize);
            keys = isInPlace ? RowsOf(K, segment, seen, keyValueHead) : Gather(K, batch, segment, seen, keyValueHead, room[..(seen.Count * headSize)]);
            values = isInPlace ? RowsOf(V, segment, seen, keyValueHead) : Gather(V, batch, segment, seen, keyValueHead, room[(seen.Count * headSize)..]);
        }

        if (block.Count == 1)
        {
            // One query: its heads lie one after the other and form the rows of one product.
            int start = firstHead * headSize;
            Mix(
                new MatrixView<float>(Q.Row(row)[start..], sharing, headSize), position, isOneQuery: true, keys, values, segment.Cache, seen, keyValueHead,
                new MatrixView<float>(O.Row(row)[start..], sharing, headSize));
            return;
        }

        for (int h = firstHead; h < firstHead + sharing; h++)
        {
            Mix(
                Q.View.RowRange(row, block.Count)[ColumnsOf(h)], position, isOneQuery: false, keys, values, segment.Cache, seen, keyValueHead,
                O.View.RowRange(row, block.Count)[ColumnsOf(h)]);
        }
    }

    /// <summary>O ← softmax(Q·Kᵀ/√d)·V for queries at position, position + 1, … or, for one query, several heads at one position.</summary>
    /// <param name="Q">[queries or heads, d].</param>
    /// <param name="position">Position of the first query.</param>
    /// <param name="isOneQuery">Whether the rows are heads of one query.</param>
    /// <param name="K">[seen, d], where there is no cache.</param>
    /// <param name="V">[seen, d], where there is no cache.</param>
    /// <param name="cache">Keys and values of the sequence, or null.</param>
    /// <param name="seen">Positions that any of the queries sees, from a multiple of <see cref="LaneSum.Lanes"/> on.</param>
    /// <param name="keyValueHead">Index of the key and value head.</param>
    /// <param name="O">[queries or heads, d], destination.</param>
    private void Mix(
        MatrixView<float> Q, int position, bool isOneQuery, MatrixView<float> K, MatrixView<float> V, KeyValueCache? cache, ColumnRange seen, int keyValueHead, MatrixView<float> O)
    {
        int padded = (seen.Count + LaneSum.Lanes - 1) / LaneSum.Lanes * LaneSum.Lanes;
        var scores = new MatrixView<float>(ThreadScratch.Scores(Q.Rows * padded), Q.Rows, padded);
        MatrixView<float> S = scores[new ColumnRange(0, seen.Count)];
        if (cache is not null)
        {
            DenseProduct.Multiply(Q, cache.KeysTransposed(layer, keyValueHead, seen), S);
            ScaleRows(S, cache.KeyScales(layer, keyValueHead, seen));
        }
        else
        {
            DenseProduct.MultiplyTransposed(Q, K, S);
        }

        for (int t = 0; t < Q.Rows; t++)
        {
            int query = isOneQuery ? position : position + t;
            Softmax(scores.Row(t), new ColumnRange(FirstKey(query) - seen.Start, query + 1 - seen.Start));
        }

        if (cache is not null)
        {
            ScaleRows(S, cache.ValueScales(layer, keyValueHead, seen));
            DenseProduct.Multiply(S, cache.Values(layer, keyValueHead, seen), O);
            return;
        }

        DenseProduct.Multiply(S, V, O);
    }

    /// <summary>One head's keys or values of a branch and its ancestors, copied to where they lie one after the other.</summary>
    /// <param name="matrix">[≥ rows, key-value heads·d], keys or values.</param>
    /// <param name="batch">Which rows belong to which sequence.</param>
    /// <param name="segment">The branch.</param>
    /// <param name="seen">Positions to bring together; the last ones are the segment's.</param>
    /// <param name="head">Index of the key and value head.</param>
    /// <param name="destination">[seen·d], destination.</param>
    /// <returns>[seen, d], on the destination.</returns>
    private MatrixView<float> Gather(Matrix matrix, SequenceBatch batch, SequenceSegment segment, ColumnRange seen, int head, Span<float> destination)
    {
        var gathered = new MatrixView<float>(destination, seen.Count, headSize);
        for (int end = seen.End; end > seen.Start; segment = segment.Parent < 0 ? segment : batch.Segments[segment.Parent])
        {
            int start = Math.Max(segment.StartPosition, seen.Start);
            RowsOf(matrix, segment, new ColumnRange(start, end), head).CopyTo(gathered.RowRange(start - seen.Start, end - start));
            end = start;
        }

        return gathered;
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

    /// <summary>One head's keys or values at some positions of a segment without a cache.</summary>
    private MatrixView<float> RowsOf(Matrix matrix, SequenceSegment segment, ColumnRange positions, int head)
        => matrix.View.RowRange(segment.FirstRow + positions.Start - segment.StartPosition, positions.Count)[ColumnsOf(head)];

    private static MatrixView<float> RowsOf(Matrix matrix, SequenceSegment segment) => matrix.View.RowRange(segment.FirstRow, segment.Count);

    /// <summary>Tasks per piece: one, unless the whole pass is small.</summary>
    private int PieceOf(SequenceBatch batch)
    {
        long work = (long)batch.RowCount * batch.PositionCount * headCount * headSize;
        int tasks = batch.QueryBlocks.Count * keyValueHeadCount;
        return work < 1 << 16 ? Math.Max(tasks, 1) : Math.Max(1, tasks / (RowParallel.Threads * 8));
    }
}
