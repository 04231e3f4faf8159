using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Evaluation;

/// <summary>Log-likelihoods of many continuations in one forward pass, in which each shared beginning runs once.</summary>
/// <remarks>
/// Logits and softmax in single precision, sums in double precision and in the order of the tokens. A score has the same bits whatever else is scored with it,
/// and for any number of threads. One call at a time: buffers are kept between calls.
/// </remarks>
public sealed class LikelihoodScorer
{
    /// <summary>Logits that are held at once.</summary>
    private const int LogitsAtOnce = 1 << 22;

    private const int LeastRowsAtOnce = 16;

    private readonly Decoder decoder;
    private readonly int vocabulary;
    private readonly PrefixTree tree = new();
    private readonly TargetRows targets = new();
    private TargetScore[] targetScores = [];
    private Matrix? logits;
    private Matrix? scratch;

    /// <summary>A scorer for one model.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="vocabularyLimit">Only so many logits count, from token id 0 on, for tables that were padded: 1 to the model's vocabulary; null: all.</param>
    /// <exception cref="ArgumentException">The limit is out of range.</exception>
    public LikelihoodScorer(Decoder decoder, int? vocabularyLimit = null)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        this.decoder = decoder;
        vocabulary = vocabularyLimit ?? decoder.Config.VocabularySize;
        if (vocabulary < 1 || vocabulary > decoder.Config.VocabularySize)
            throw new ArgumentException($"the vocabulary is limited to {vocabulary} tokens, expected 1 to {decoder.Config.VocabularySize}", nameof(vocabularyLimit));
    }

    /// <summary>Tokens that the last call ran: distinct beginnings of all its sequences.</summary>
    public int DistinctRows => tree.RowCount;

    /// <summary>Rows of logits that the last call computed.</summary>
    public int LogitRows => targets.RowCount;

    /// <summary>Scores some sequences in one forward pass; what goes into one pass is the caller's choice (see <see cref="ScoringBatches"/>).</summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="scores">[≥ number of sequences], destination.</param>
    /// <param name="cancellation">Looked at before each block and each piece of logits.</param>
    /// <exception cref="ArgumentException">A sequence has no inputs or no targets or more targets than inputs, an id is outside the vocabulary, a sequence is longer than the model allows, or the scores do not fit.</exception>
    /// <exception cref="NumericsException">Logits are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Score(ReadOnlySpan<ScoredSequence> sequences, Span<LikelihoodScore> scores, CancellationToken cancellation = default)
    {
        if (scores.Length < sequences.Length) throw new ArgumentException($"{scores.Length} scores do not hold those of {sequences.Length} sequences", nameof(scores));
        tree.Clear();
        targets.Clear();
        for (int s = 0; s < sequences.Length; s++) Check(sequences[s], s);
        foreach (ScoredSequence sequence in sequences) tree.Add(sequence.Inputs, targets.Append(sequence.Targets));
        if (sequences.IsEmpty) return;

        targets.Group(tree.RowCount);
        Matrix hidden = decoder.Forward(tree.Batch, cancellation);
        int chunk = Math.Min(Math.Max(LogitsAtOnce / decoder.Config.VocabularySize, LeastRowsAtOnce), targets.RowCount);
        Reserve(chunk);
        for (int first = 0; first < targets.RowCount; first += chunk)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(chunk, targets.RowCount - first);
            decoder.Logits(hidden, targets.Rows.Slice(first, count), logits!);
            int start = first;
            RowParallel.For(count, 4, (from, to) =>
            {
                for (int row = from; row < to; row++) ScoreRow(row, start + row);
            });
        }

        int target = 0;
        for (int s = 0; s < sequences.Length; s++)
        {
            (double sum, bool isGreedy) = (0, true);
            for (int end = target + sequences[s].Targets.Length; target < end; target++)
            {
                if (!double.IsFinite(targetScores[target].LogProbability)) throw NotFinite(sequences[s], s, end - target);
                sum += targetScores[target].LogProbability;
                isGreedy &= targetScores[target].IsLargest;
            }

            scores[s] = new LikelihoodScore(sum, isGreedy);
        }
    }

    private void Check(ScoredSequence sequence, int index)
    {
        if (sequence.Inputs is not { Length: > 0 }) throw new ArgumentException($"sequence {index} has no inputs, expected at least one token");
        if (sequence.Targets is not { Length: > 0 } || sequence.Targets.Length > sequence.Inputs.Length)
            throw new ArgumentException($"sequence {index} has {sequence.Targets?.Length ?? 0} targets, expected 1 to {sequence.Inputs.Length}, as many as inputs at most");
        foreach (int id in sequence.Targets)
        {
            if ((uint)id >= (uint)vocabulary)
                throw new ArgumentException($"target {id} of sequence {index} is outside the vocabulary, expected 0 to {vocabulary - 1}; the tokens may come from another model's tokenizer");
        }
    }

    private void Reserve(int chunk)
    {
        if (targetScores.Length < targets.Count) targetScores = new TargetScore[Math.Max(targets.Count, 2 * targetScores.Length)];
        if (logits is not null && logits.Rows >= chunk) return;
        logits = new Matrix(chunk, decoder.Config.VocabularySize);
        scratch = new Matrix(chunk, vocabulary);
    }

    /// <summary>All targets that one row predicts: ln p = z[target] − log Σ exp(z).</summary>
    /// <param name="row">Row of the logits held.</param>
    /// <param name="slot">The same among all rows that are needed.</param>
    private void ScoreRow(int row, int slot)
    {
        ReadOnlySpan<float> z = logits!.Row(row)[..vocabulary];
        double logSum = LogSoftmax.LogSumExp(z, scratch!.Row(row), out _);
        float largest = TensorPrimitives.Max(z);
        foreach (int target in targets.Of(slot))
        {
            int id = targets.Id(target);
            bool isLargest = z[id] == largest && (id == 0 || TensorPrimitives.Max(z[..id]) < largest);
            targetScores[target] = new TargetScore(z[id] - logSum, isLargest);
        }
    }

    private static NumericsException NotFinite(ScoredSequence sequence, int index, int fromEnd)
        => new($"logits are not finite at position {sequence.Inputs.Length - fromEnd} of sequence {index}; the model's weights may be damaged");

    /// <summary>What one target contributes.</summary>
    private readonly record struct TargetScore(double LogProbability, bool IsLargest);
}
