using System.Numerics;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// A block of OPT: h ← h + attention(norm(h)), then h ← h + W₂·act(W₁·norm(h)); or, where norms follow the sums (350m), h ← norm(h + attention(h)), then h ← norm(h + W₂·act(W₁·h)).
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class TrainableOptBlock<T>(
    bool normalizesBefore, NormUnit<T> attentionNorm, TrainableAttention<T> attention, NormUnit<T> feedForwardNorm, LinearUnit<T> first, OptActivation activation, LinearUnit<T> second) : TrainableBlock<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public override IReadOnlyList<LinearUnit<T>> Linears { get; } = [.. attention.Linears, first, second];

    /// <inheritdoc/>
    public override IReadOnlyList<NormUnit<T>> Norms { get; } = [attentionNorm, feedForwardNorm];

    /// <inheritdoc/>
    public override void Forward(Matrix<T> hidden, int length, Tape<T> tape)
    {
        (int tokens, int size) = (hidden.Rows, hidden.Columns);
        Matrix<T> change = tape.Take("change", tokens, size);
        Matrix<T> n = Before(attentionNorm, hidden, "attention input", tape);
        attention.Forward(n, change, length, tape);
        ResidualOperation.Forward(hidden, change);
        After(attentionNorm, hidden, "attention sum", tape);

        Matrix<T> m = Before(feedForwardNorm, hidden, "feed-forward input", tape);
        Matrix<T> raised = tape.Take("raised", tokens, first.Rows);
        Matrix<T> active = tape.Take("active", tokens, first.Rows);
        first.Forward(m, raised);
        if (activation == OptActivation.Gelu) GeluOperation.Forward(raised, active);
        else ReluOperation.Forward(raised, active);
        second.Forward(active, change);
        ResidualOperation.Forward(hidden, change);
        After(feedForwardNorm, hidden, "feed-forward sum", tape);
    }

    /// <inheritdoc/>
    public override void Backward(Matrix<T> dHidden, int length, Tape<T> tape, Tape<T> scratch)
    {
        int tokens = dHidden.Rows;
        Matrix<T> dActive = scratch.Take("active", tokens, first.Rows);
        Matrix<T> dRaised = scratch.Take("raised", tokens, first.Rows);
        Matrix<T> dInput = scratch.Take("normalized", tokens, dHidden.Columns);
        BackwardAfter(feedForwardNorm, dHidden, "feed-forward sum", tape, scratch);
        second.Backward(tape["active"], dHidden, dActive);
        if (activation == OptActivation.Gelu) GeluOperation.Backward(tape["raised"], dActive, dRaised);
        else ReluOperation.Backward(tape["raised"], dActive, dRaised);
        first.Backward(tape["feed-forward input"], dRaised, dInput);
        BackwardBefore(feedForwardNorm, dInput, dHidden, "feed-forward input", tape);

        BackwardAfter(attentionNorm, dHidden, "attention sum", tape, scratch);
        attention.Backward(tape["attention input"], dHidden, dInput, length, tape, scratch);
        BackwardBefore(attentionNorm, dInput, dHidden, "attention input", tape);
    }

    /// <summary>What a part reads: norm(h), or h itself.</summary>
    private Matrix<T> Before(NormUnit<T> norm, Matrix<T> hidden, string name, Tape<T> tape)
    {
        Matrix<T> input = tape.Take(name, hidden.Rows, hidden.Columns);
        if (!normalizesBefore)
        {
            hidden.Data.CopyTo(input.Data, 0);
            return input;
        }

        hidden.Data.CopyTo(tape.Take(name + ", raw", hidden.Rows, hidden.Columns).Data, 0);
        norm.Forward(hidden, input);
        return input;
    }

    private void BackwardBefore(NormUnit<T> norm, Matrix<T> dInput, Matrix<T> dHidden, string name, Tape<T> tape)
    {
        if (normalizesBefore) norm.Backward(tape[name + ", raw"], dInput, dHidden);
        else ResidualOperation.Forward(dHidden, dInput);
    }

    private void After(NormUnit<T> norm, Matrix<T> hidden, string name, Tape<T> tape)
    {
        if (normalizesBefore) return;
        Matrix<T> sum = tape.Take(name, hidden.Rows, hidden.Columns);
        hidden.Data.CopyTo(sum.Data, 0);
        norm.Forward(sum, hidden);
    }

    private void BackwardAfter(NormUnit<T> norm, Matrix<T> dHidden, string name, Tape<T> tape, Tape<T> scratch)
    {
        if (normalizesBefore) return;
        Matrix<T> dSum = scratch.Take("sum", dHidden.Rows, dHidden.Columns);
        Array.Clear(dSum.Data);
        norm.Backward(tape[name], dHidden, dSum);
        dSum.Data.CopyTo(dHidden.Data, 0);
    }
}
