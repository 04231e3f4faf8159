using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>The attention part of a block: Wₒ·attention(rope(Wq·n), rope(Wk·n), Wv·n), rope only where positions are rotary.</summary>
/// <typeparam name="T">The element type.</typeparam>
/// <param name="query">Wq.</param>
/// <param name="key">Wk.</param>
/// <param name="value">Wv.</param>
/// <param name="output">Wₒ.</param>
/// <param name="shapeOf">Heads and window, for sequences of a length.</param>
/// <param name="rotary">Angles for at least a length of positions; null: none.</param>
internal sealed class TrainableAttention<T>(
    LinearUnit<T> query, LinearUnit<T> key, LinearUnit<T> value, LinearUnit<T> output, Func<int, AttentionShape> shapeOf, Func<int, RotaryTable<T>>? rotary)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Wq, Wk, Wv, Wₒ.</summary>
    public IReadOnlyList<LinearUnit<T>> Linears { get; } = [query, key, value, output];

    /// <summary>Y ← attention part of X.</summary>
    /// <param name="X">[tokens, hidden size], normalised.</param>
    /// <param name="Y">[tokens, hidden size].</param>
    /// <param name="length">Tokens of each sequence.</param>
    /// <param name="tape">Receives queries, keys, values, what they mix to.</param>
    public void Forward(Matrix<T> X, Matrix<T> Y, int length, Tape<T> tape)
    {
        AttentionShape shape = shapeOf(length);
        Matrix<T> Q = tape.Take("queries", X.Rows, query.Rows);
        Matrix<T> K = tape.Take("keys", X.Rows, key.Rows);
        Matrix<T> V = tape.Take("values", X.Rows, value.Rows);
        Matrix<T> mixed = tape.Take("mixed", X.Rows, output.Columns);
        query.Forward(X, Q);
        key.Forward(X, K);
        value.Forward(X, V);
        if (rotary is not null)
        {
            RotaryTable<T> table = rotary(length);
            RotaryOperation.Forward(Q, table, shape.Heads, length);
            RotaryOperation.Forward(K, table, shape.KeyValueHeads, length);
        }

        AttentionOperation.Forward(Q, K, V, shape, mixed, tape.Take("log sums", X.Rows, shape.Heads));
        output.Forward(mixed, Y);
    }

    /// <summary>dX ← what dY says of X.</summary>
    public void Backward(Matrix<T> X, Matrix<T> dY, Matrix<T> dX, int length, Tape<T> tape, Tape<T> scratch)
    {
        AttentionShape shape = shapeOf(length);
        (Matrix<T> Q, Matrix<T> K, Matrix<T> V, Matrix<T> mixed) = (tape["queries"], tape["keys"], tape["values"], tape["mixed"]);
        Matrix<T> dMixed = scratch.Take("mixed", X.Rows, output.Columns);
        Matrix<T> dQ = scratch.Take("queries", X.Rows, query.Rows);
        Matrix<T> dK = scratch.Take("keys", X.Rows, key.Rows);
        Matrix<T> dV = scratch.Take("values", X.Rows, value.Rows);
        output.Backward(mixed, dY, dMixed);
        AttentionOperation.Backward(Q, K, V, mixed, tape["log sums"], shape, dMixed, dQ, dK, dV);
        if (rotary is not null)
        {
            RotaryTable<T> table = rotary(length);
            RotaryOperation.Backward(dQ, table, shape.Heads, length);
            RotaryOperation.Backward(dK, table, shape.KeyValueHeads, length);
        }

        query.Backward(X, dQ, dX);
        key.Backward(X, dK, dX, accumulate: true);
        value.Backward(X, dV, dX, accumulate: true);
    }
}
