using System.Numerics;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>A decoder that can be trained: embedding → blocks → final norm → head → loss, and back.</summary>
/// <remarks>
/// Of each block the forward pass keeps its input, and of as many blocks as the budget allows (the last ones) all that the backward pass needs; the others run forward again. So memory grows
/// with the hidden states of a batch and the activations of one block. Logits are made and used a few rows at a time.
/// </remarks>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class TrainableModel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Elements of logits at a time.</summary>
    private const int LogitElements = 1 << 21;

    private readonly TrainableEmbedding<T> embedding;
    private readonly NormUnit<T>? finalNorm;
    private readonly LinearUnit<T>? outputProjection;
    private readonly LinearUnit<T> head;
    private readonly Tape<T>[] tapes;
    private readonly Tape<T> passing = new(); // of blocks that run forward again
    private readonly Tape<T> scratch = new();
    private readonly Tape<T> ends = new(); // before the first and after the last block

    /// <summary>A model of its parts.</summary>
    /// <param name="config">Sizes and options.</param>
    /// <param name="parameters">All parameters, each once.</param>
    /// <param name="embedding">Tokens to hidden states.</param>
    /// <param name="blocks">First to last.</param>
    /// <param name="finalNorm">Or null.</param>
    /// <param name="outputProjection">Or null.</param>
    /// <param name="head">Its weight is that of the embedding in a tied model.</param>
    public TrainableModel(
        ModelConfig config, IReadOnlyList<Parameter<T>> parameters, TrainableEmbedding<T> embedding, IReadOnlyList<TrainableBlock<T>> blocks, NormUnit<T>? finalNorm, LinearUnit<T>? outputProjection, LinearUnit<T> head)
    {
        (Config, Parameters, Blocks) = (config, parameters, blocks);
        (this.embedding, this.finalNorm, this.outputProjection, this.head) = (embedding, finalNorm, outputProjection, head);
        tapes = [.. blocks.Select(_ => new Tape<T>())];
    }

    /// <summary>Sizes and options.</summary>
    public ModelConfig Config { get; }

    /// <summary>All parameters, each once.</summary>
    public IReadOnlyList<Parameter<T>> Parameters { get; }

    /// <summary>The blocks.</summary>
    public IReadOnlyList<TrainableBlock<T>> Blocks { get; }

    /// <summary>All linear layers of blocks.</summary>
    public IEnumerable<LinearUnit<T>> Linears => Blocks.SelectMany(b => b.Linears);

    /// <summary>Blocks, counted from the last, whose activations are kept for the backward pass instead of being computed again.</summary>
    /// <value>Default: all.</value>
    public int KeptBlocks { get; set; } = int.MaxValue;

    /// <summary>How many blocks' activations fit a number of bytes, about.</summary>
    /// <param name="tokens">Tokens that pass at once.</param>
    /// <param name="bytes">The bytes.</param>
    public int BlocksThatFit(int tokens, long bytes)
    {
        long perToken = Blocks.Count == 0 ? 1 : Blocks[0].Linears.Sum(l => (long)l.Rows + l.Columns) + (4L * Config.HiddenSize);
        return (int)Math.Min(int.MaxValue, bytes / (perToken * tokens * sizeof(float)));
    }

    /// <summary>Makes the weights that multiply anew; after each change of parameters.</summary>
    public void Refresh()
    {
        foreach (LinearUnit<T> linear in Linears) linear.Refresh();
    }

    /// <summary>Tells the forms of weights how much of the training is done.</summary>
    /// <param name="progress">In [0, 1).</param>
    public void Advance(double progress)
    {
        foreach (LinearUnit<T> linear in Linears) linear.Form?.Advance(progress);
    }

    /// <summary>Turns gradients of weights that multiply into those of parameters; once for each step, after all its sequences.</summary>
    public void PullBack()
    {
        foreach (LinearUnit<T> linear in Linears) linear.PullBack();
    }

    /// <summary>Sets all gradients to zero.</summary>
    public void ClearGradients()
    {
        foreach (Parameter<T> parameter in Parameters)
        {
            if (parameter.IsTrained) Array.Clear(parameter.Gradient.Data);
        }
    }

    /// <summary>Predicts tokens.</summary>
    /// <param name="ids">[sequences · length].</param>
    /// <param name="targets">[sequences · length], what follows each; <see cref="CrossEntropyOperation.NotCounted"/> where nobody asks.</param>
    /// <param name="length">Tokens of each sequence.</param>
    /// <returns>Sums over the predicted tokens; no divergence.</returns>
    public LossSums Evaluate(ReadOnlySpan<int> ids, ReadOnlySpan<int> targets, int length)
        => Head(targets, Forward(ids, length, keeps: false), LossSettings.CrossEntropy, teacher: null, weight: 0, dHidden: null);

    /// <summary>Predicts tokens and adds to the gradients of all trained parameters.</summary>
    /// <param name="ids">[sequences · length].</param>
    /// <param name="targets">[sequences · length], as in <see cref="Evaluate"/>.</param>
    /// <param name="length">Tokens of each sequence.</param>
    /// <param name="loss">What is minimized.</param>
    /// <param name="teacher">Whose predictions are learnt; null: nobody's.</param>
    /// <param name="weight">Gradients are those of the sum over predicted tokens, times this: 1 ÷ predicted tokens of the whole step gives those of the mean.</param>
    /// <returns>Sums over the predicted tokens.</returns>
    public LossSums ForwardBackward(ReadOnlySpan<int> ids, ReadOnlySpan<int> targets, int length, LossSettings loss, ITeacher<T>? teacher, double weight)
    {
        Matrix<T> hidden = Forward(ids, length, keeps: true);
        Matrix<T> dHidden = ends.Take("gradient", hidden.Rows, hidden.Columns);
        if (loss.TeacherShare > 0)
        {
            if (teacher is null) throw new ArgumentNullException(nameof(teacher), "a loss with a teacher's share needs a teacher");
            teacher.Run(ids, length);
        }

        LossSums sums = Head(targets, hidden, loss, loss.TeacherShare > 0 ? teacher : null, weight, dHidden);
        for (int b = Blocks.Count - 1; b >= 0; b--)
        {
            Tape<T> tape = tapes[b];
            if (!IsKept(b))
            {
                Matrix<T> input = tape["block input"];
                input.Data.CopyTo(hidden.Data, 0);
                tape = passing;
                Blocks[b].Forward(hidden, length, tape);
            }

            Blocks[b].Backward(dHidden, length, tape, scratch);
        }

        embedding.Backward(ids, length, dHidden, ends);
        return sums;
    }

    /// <summary>Logits of every token; for tests and for a model that teaches.</summary>
    /// <param name="ids">[sequences · length].</param>
    /// <param name="length">Tokens of each sequence.</param>
    /// <returns>[sequences · length, vocabulary].</returns>
    public Matrix<T> Logits(ReadOnlySpan<int> ids, int length)
    {
        Matrix<T> last = Last(Forward(ids, length, keeps: false));
        var logits = new Matrix<T>(ids.Length, Config.VocabularySize);
        head.Forward(last, logits);
        return logits;
    }

    private bool IsKept(int block) => Blocks.Count - block <= KeptBlocks;

    private Matrix<T> Forward(ReadOnlySpan<int> ids, int length, bool keeps)
    {
        if (length < 1 || ids.Length == 0 || ids.Length % length != 0) throw new ArgumentException($"{ids.Length} tokens are no sequences of {length}", nameof(length));
        Matrix<T> hidden = ends.Take("hidden", ids.Length, Config.HiddenSize);
        embedding.Forward(ids, length, hidden, ends);
        for (int b = 0; b < Blocks.Count; b++)
        {
            bool isKept = keeps && IsKept(b);
            if (keeps && !isKept) hidden.Data.CopyTo(tapes[b].Take("block input", hidden.Rows, hidden.Columns).Data, 0);
            Blocks[b].Forward(hidden, length, isKept ? tapes[b] : passing);
        }

        return hidden;
    }

    /// <summary>Final norm and projection.</summary>
    private Matrix<T> Last(Matrix<T> hidden)
    {
        Matrix<T> last = hidden;
        if (finalNorm is not null)
        {
            last = ends.Take("normalized", hidden.Rows, hidden.Columns);
            finalNorm.Forward(hidden, last);
        }

        if (outputProjection is null) return last;
        Matrix<T> projected = ends.Take("projected", hidden.Rows, outputProjection.Rows);
        outputProjection.Forward(last, projected);
        return projected;
    }

    /// <summary>Final norm, head and loss, a few rows of logits at a time; and the gradient of hidden where there is room for it.</summary>
    private LossSums Head(ReadOnlySpan<int> targets, Matrix<T> hidden, LossSettings loss, ITeacher<T>? teacher, double weight, Matrix<T>? dHidden)
    {
        Matrix<T> last = Last(hidden);
        Matrix<T>? dLast = dHidden is null ? null : ends.Take("last gradient", last.Rows, last.Columns);
        int most = Math.Max(1, LogitElements / Config.VocabularySize);
        var sums = new LossSums(targets.Length - targets.Count(CrossEntropyOperation.NotCounted), 0, 0);
        for (int first = 0; first < targets.Length; first += most)
        {
            int count = Math.Min(most, targets.Length - first);
            ReadOnlySpan<int> expected = targets.Slice(first, count);
            Matrix<T> logits = ends.Take("logits", count, Config.VocabularySize);
            Matrix<T> rows = CopyOf(last, first, count, "rows");
            head.Forward(rows, logits);
            if (dLast is null)
            {
                sums = sums with { NegativeLogLikelihood = sums.NegativeLogLikelihood + CrossEntropyOperation.Forward(logits, expected) };
                continue;
            }

            Matrix<T>? dDivergence = null;
            if (teacher is not null)
            {
                Matrix<T> taught = ends.Take("teacher's logits", count, Config.VocabularySize);
                dDivergence = ends.Take("divergence gradient", count, Config.VocabularySize);
                Array.Clear(dDivergence.Data);
                teacher.Logits(first, taught);
                double divergence = DivergenceOperation.ForwardBackward(logits, taught, expected, loss.Temperature, T.CreateChecked(weight * loss.TeacherShare), dDivergence);
                sums = sums with { Divergence = sums.Divergence + divergence };
            }

            double nll = CrossEntropyOperation.ForwardBackward(logits, expected, T.CreateChecked(weight * (1 - loss.TeacherShare)));
            sums = sums with { NegativeLogLikelihood = sums.NegativeLogLikelihood + nll };
            if (dDivergence is not null) ResidualOperation.Forward(logits, dDivergence);
            Matrix<T> dRows = ends.Take("row gradients", count, last.Columns);
            head.Backward(rows, logits, dRows);
            dRows.Data.AsSpan().CopyTo(dLast.Data.AsSpan(first * last.Columns));
        }

        if (dHidden is not null) BackwardLast(hidden, dLast!, dHidden);
        return sums;
    }

    private void BackwardLast(Matrix<T> hidden, Matrix<T> dLast, Matrix<T> dHidden)
    {
        Matrix<T> dNormalized = dLast;
        if (outputProjection is not null)
        {
            dNormalized = ends.Take("normalized gradient", hidden.Rows, hidden.Columns);
            outputProjection.Backward(finalNorm is null ? hidden : ends["normalized"], dLast, dNormalized);
        }

        if (finalNorm is null)
        {
            dNormalized.Data.CopyTo(dHidden.Data, 0);
            return;
        }

        Array.Clear(dHidden.Data);
        finalNorm.Backward(hidden, dNormalized, dHidden);
    }

    private Matrix<T> CopyOf(Matrix<T> source, int first, int count, string name)
    {
        if (count == source.Rows) return source;
        Matrix<T> copy = ends.Take(name, count, source.Columns);
        source.Data.AsSpan(first * source.Columns, count * source.Columns).CopyTo(copy.Data);
        return copy;
    }
}
