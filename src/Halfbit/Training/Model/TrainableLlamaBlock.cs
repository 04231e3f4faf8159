using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// A block of LLaMA, Mistral or Qwen2: h ← h + attention(rms(h)), then h ← h + W_down·(silu(W_gate·m) ⊙ W_up·m) with m = rms(h).
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class TrainableLlamaBlock<T>(
    NormUnit<T> attentionNorm, TrainableAttention<T> attention, NormUnit<T> feedForwardNorm, LinearUnit<T> gate, LinearUnit<T> up, LinearUnit<T> down) : TrainableBlock<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public override IReadOnlyList<LinearUnit<T>> Linears { get; } = [.. attention.Linears, gate, up, down];

    /// <inheritdoc/>
    public override IReadOnlyList<NormUnit<T>> Norms { get; } = [attentionNorm, feedForwardNorm];

    /// <inheritdoc/>
    public override void Forward(Matrix<T> hidden, int length, Tape<T> tape)
    {
        (int tokens, int size) = (hidden.Rows, hidden.Columns);
        Matrix<T> input = tape.Take("input", tokens, size);
        Matrix<T> n = tape.Take("attention input", tokens, size);
        Matrix<T> change = tape.Take("change", tokens, size);
        hidden.Data.CopyTo(input.Data, 0);
        attentionNorm.Forward(hidden, n);
        attention.Forward(n, change, length, tape);
        ResidualOperation.Forward(hidden, change);

        Matrix<T> middle = tape.Take("middle", tokens, size);
        Matrix<T> m = tape.Take("feed-forward input", tokens, size);
        Matrix<T> gated = tape.Take("gate", tokens, gate.Rows);
        Matrix<T> raised = tape.Take("up", tokens, up.Rows);
        Matrix<T> product = tape.Take("product", tokens, gate.Rows);
        hidden.Data.CopyTo(middle.Data, 0);
        feedForwardNorm.Forward(hidden, m);
        gate.Forward(m, gated);
        up.Forward(m, raised);
        GatedSiluOperation.Forward(gated, raised, product);
        down.Forward(product, change);
        ResidualOperation.Forward(hidden, change);
    }

    /// <inheritdoc/>
    public override void Backward(Matrix<T> dHidden, int length, Tape<T> tape, Tape<T> scratch)
    {
        (int tokens, int size) = (dHidden.Rows, dHidden.Columns);
        Matrix<T> dProduct = scratch.Take("product", tokens, gate.Rows);
        Matrix<T> dGate = scratch.Take("gate", tokens, gate.Rows);
        Matrix<T> dUp = scratch.Take("up", tokens, up.Rows);
        Matrix<T> dNormalized = scratch.Take("normalized", tokens, size);
        down.Backward(tape["product"], dHidden, dProduct);
        GatedSiluOperation.Backward(tape["gate"], tape["up"], dProduct, dGate, dUp);
        gate.Backward(tape["feed-forward input"], dGate, dNormalized);
        up.Backward(tape["feed-forward input"], dUp, dNormalized, accumulate: true);
        feedForwardNorm.Backward(tape["middle"], dNormalized, dHidden);

        attention.Backward(tape["attention input"], dHidden, dNormalized, length, tape, scratch);
        attentionNorm.Backward(tape["input"], dNormalized, dHidden);
    }
}
