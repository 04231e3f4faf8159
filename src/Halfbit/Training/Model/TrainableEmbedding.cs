using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Tokens to hidden states: a table, projected where its rows are shorter, plus learned positions where there are any.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <param name="tokens">[vocabulary, embedding size].</param>
/// <param name="projection">To the hidden size, or null.</param>
/// <param name="positions">[offset + positions, hidden size], or null.</param>
/// <param name="positionOffset">Rows in front of position 0.</param>
internal sealed class TrainableEmbedding<T>(Parameter<T> tokens, LinearUnit<T>? projection, Parameter<T>? positions, int positionOffset)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private int[] rows = [];

    /// <summary>hidden ← the embedding of tokens.</summary>
    public void Forward(ReadOnlySpan<int> ids, int length, Matrix<T> hidden, Tape<T> tape)
    {
        if (projection is null)
        {
            EmbeddingOperation.Forward(ids, tokens.Value, hidden, accumulate: false);
        }
        else
        {
            Matrix<T> embedded = tape.Take("embedded", ids.Length, tokens.Value.Columns);
            EmbeddingOperation.Forward(ids, tokens.Value, embedded, accumulate: false);
            projection.Forward(embedded, hidden);
        }

        if (positions is not null) EmbeddingOperation.Forward(PositionRows(ids.Length, length), positions.Value, hidden, accumulate: true);
    }

    /// <summary>Adds to the gradients of the parameters.</summary>
    public void Backward(ReadOnlySpan<int> ids, int length, Matrix<T> dHidden, Tape<T> tape)
    {
        if (positions is { IsTrained: true }) EmbeddingOperation.Backward(PositionRows(ids.Length, length), dHidden, positions.Gradient);
        Matrix<T> dEmbedded = dHidden;
        if (projection is not null)
        {
            dEmbedded = tape.Take("embedded gradient", ids.Length, tokens.Value.Columns);
            projection.Backward(tape["embedded"], dHidden, dEmbedded);
        }

        if (tokens.IsTrained) EmbeddingOperation.Backward(ids, dEmbedded, tokens.Gradient);
    }

    private ReadOnlySpan<int> PositionRows(int count, int length)
    {
        if (rows.Length != count) rows = new int[count];
        for (int t = 0; t < count; t++) rows[t] = (t % length) + positionOffset;
        return rows;
    }
}
