using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>Tokens to hidden state: a row of the token table, projected where its size differs, plus a learned position where the family has them.</summary>
internal sealed class Embedding(IWeightRows tokens, IWeightRows? positions, int positionOffset, LinearLayer? projection)
{
    private float[] position = [];

    /// <summary>[vocabulary, embedding size].</summary>
    public IWeightRows Tokens => tokens;

    /// <summary>Positions that the table holds; null where positions are not learned.</summary>
    public int? PositionLimit => positions?.Rows - positionOffset;

    /// <summary>Fills the first rows of the hidden state.</summary>
    /// <param name="batch">Tokens and positions; checked here.</param>
    /// <param name="hidden">[≥ rows, hidden size].</param>
    /// <param name="workspace">Keeps the rows before projection.</param>
    public void Apply(SequenceBatch batch, Matrix hidden, Workspace workspace)
    {
        Check(batch);
        int rows = batch.RowCount;
        Matrix rowsOfTable = projection is null ? hidden : workspace.Take("embedding", rows, tokens.Columns);
        for (int t = 0; t < rows; t++) tokens.ReadRows(batch.Tokens[t], rowsOfTable.View.RowRange(t, 1));
        projection?.Apply(rowsOfTable, hidden, rows);
        if (positions is null) return;
        if (position.Length == 0) position = new float[hidden.Columns];
        for (int t = 0; t < rows; t++)
        {
            positions.ReadRows(batch.Positions.Span[t] + positionOffset, new MatrixView<float>(position, 1, position.Length));
            TensorPrimitives.Add(hidden.Row(t), position, hidden.Row(t));
        }
    }

    private void Check(SequenceBatch batch)
    {
        ReadOnlySpan<int> ids = batch.Tokens;
        for (int t = 0; t < ids.Length; t++)
        {
            if ((uint)ids[t] >= (uint)tokens.Rows)
                throw new ArgumentException($"token id {ids[t]} (row {t} of the batch) is outside the vocabulary, expected 0 to {tokens.Rows - 1}; the tokens may come from another model's tokenizer");
        }

        if (PositionLimit is int limit && batch.PositionCount > limit)
            throw new ArgumentException($"a sequence of {batch.PositionCount} tokens is too long: the model has learned positions for {limit}; shorten it or use a smaller window");
    }
}
