using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Evaluation;

/// <summary>
/// Perplexity over consecutive non-overlapping windows. The stream (BOS once at its start) is cut into windows, an incomplete tail is dropped, each
/// window is run on its own from position 0, and its first token is not predicted: exp(Σ NLL / (windows · (window − 1))).
/// </summary>
/// <remarks>Logits and softmax in single precision, sums in double precision and in the order of the text: the same bits for any batch and thread count.</remarks>
public static class Perplexity
{
    /// <summary>Logits that are held at once.</summary>
    private const int LogitsAtOnce = 1 << 22;

    private const int LargestDefaultWindow = 2048;

    /// <summary>Measures a model on a token stream.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="tokens">The whole stream, BOS included.</param>
    /// <param name="options">Window and limits; null: defaults.</param>
    /// <param name="reference">A model over the same vocabulary to compare with, or null.</param>
    /// <param name="progress">Told after each pass, or null.</param>
    /// <param name="cancellation">Looked at before each pass.</param>
    /// <exception cref="ArgumentException">An option is out of range, there is less than one window, or the vocabularies differ.</exception>
    /// <exception cref="NumericsException">Logits are not finite.</exception>
    public static PerplexityResult Measure(
        Decoder decoder, ReadOnlySpan<int> tokens, PerplexityOptions? options = null, Decoder? reference = null,
        Action<PerplexityProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        options ??= new PerplexityOptions();
        int window = options.Window ?? Math.Min(decoder.Config.MaxPositions, LargestDefaultWindow);
        if (window < 2) throw new ArgumentException($"the window is {window} tokens, expected 2 or more");
        if (options.TokensLimit < 2) throw new ArgumentException($"the limit is {options.TokensLimit} tokens, expected 2 or more");
        if (reference is not null && reference.Config.VocabularySize != decoder.Config.VocabularySize)
            throw new ArgumentException($"the reference has {reference.Config.VocabularySize} tokens in its vocabulary, the model {decoder.Config.VocabularySize}; they cannot be compared");
        tokens = tokens[..Math.Min(tokens.Length, options.TokensLimit ?? tokens.Length)];
        int windows = tokens.Length / window;
        if (windows == 0) throw new ArgumentException($"the text has {tokens.Length} tokens, less than one window of {window}; use a longer text or a smaller window");

        var sums = new Sums();
        var scores = new PositionScores(decoder, reference, LogitsAtOnce);
        int together = Math.Max(1, options.BatchRows / window);
        for (int first = 0; first < windows; first += together)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(together, windows - first);
            scores.Run(tokens.Slice(first * window, count * window), window, first, ref sums);
            progress?.Invoke(new PerplexityProgress(first + count, windows, Math.Exp(sums.Nll / sums.Positions)));
        }

        double meanNll = sums.Nll / sums.Positions;
        return new PerplexityResult(
            Math.Exp(meanNll), meanNll, window, windows, sums.Positions,
            reference is null ? null : sums.KlDivergence / sums.Positions,
            reference is null ? null : (double)sums.Agreements / sums.Positions);
    }

    private struct Sums
    {
        public double Nll;
        public double KlDivergence;
        public long Agreements;
        public long Positions;
    }

    /// <summary>What one position contributes.</summary>
    private record struct PositionScore(double Nll, double KlDivergence, bool Agrees);

    /// <summary>Runs windows through one or two models and scores each position, some rows of logits at a time.</summary>
    private sealed class PositionScores(Decoder decoder, Decoder? reference, int logitsAtOnce)
    {
        private readonly SequenceBatch batch = new();
        private readonly int vocabulary = decoder.Config.VocabularySize;
        private Matrix? logits;
        private Matrix? referenceLogits;
        private Matrix? scratch;
        private PositionScore[] scores = [];

        public void Run(ReadOnlySpan<int> tokens, int window, int firstWindow, ref Sums sums)
        {
            batch.Clear();
            for (int start = 0; start < tokens.Length; start += window) batch.Add(tokens.Slice(start, window));
            Matrix hidden = decoder.Forward(batch);
            Matrix? referenceHidden = reference?.Forward(batch);

            int chunk = Math.Min(Math.Max(logitsAtOnce / vocabulary, 16), window - 1);
            Reserve(chunk);
            for (int start = 0; start < tokens.Length; start += window)
            {
                for (int t = 0; t < window - 1; t += chunk)
                {
                    int count = Math.Min(chunk, window - 1 - t);
                    decoder.Logits(hidden, start + t, count, logits!);
                    if (referenceHidden is not null) reference!.Logits(referenceHidden, start + t, count, referenceLogits!);
                    int[] next = tokens.Slice(start + t + 1, count).ToArray();
                    int windowIndex = firstWindow + (start / window);
                    int firstPosition = t;
                    RowParallel.For(count, 4, (from, to) =>
                    {
                        for (int i = from; i < to; i++) scores[i] = Score(i, next[i], windowIndex, firstPosition + i);
                    });
                    Add(count, ref sums);
                }
            }
        }

        private void Reserve(int chunk)
        {
            if (logits is not null && logits.Rows >= chunk) return;
            logits = new Matrix(chunk, vocabulary);
            scratch = new Matrix(chunk, vocabulary);
            referenceLogits = reference is null ? null : new Matrix(chunk, vocabulary);
            scores = new PositionScore[chunk];
        }

        private void Add(int count, ref Sums sums)
        {
            for (int i = 0; i < count; i++)
            {
                sums.Nll += scores[i].Nll;
                sums.KlDivergence += scores[i].KlDivergence;
                if (scores[i].Agrees) sums.Agreements++;
            }

            sums.Positions += count;
        }

        /// <summary>NLL = log Σ exp(z) − z[next]; KL(p ‖ q) = Σ p·(z_p − z_q) − log Σ exp(z_p) + log Σ exp(z_q).</summary>
        private PositionScore Score(int row, int next, int window, int position)
        {
            ReadOnlySpan<float> z = logits!.Row(row);
            Span<float> work = scratch!.Row(row);
            double logSum = LogSoftmax.LogSumExp(z, work, out _);
            if (!double.IsFinite(logSum)) throw NotFinite("the model", window, position);
            double nll = logSum - z[next];
            if (referenceLogits is null) return new PositionScore(nll, 0, false);

            ReadOnlySpan<float> zReference = referenceLogits.Row(row);
            bool agrees = zReference.IndexOf(TensorPrimitives.Max(zReference)) == z.IndexOf(TensorPrimitives.Max(z));
            double referenceLogSum = LogSoftmax.LogSumExp(zReference, work, out double sum);
            if (!double.IsFinite(referenceLogSum)) throw NotFinite("the reference", window, position);
            double difference = 0;
            for (int id = 0; id < work.Length; id++) difference += (double)work[id] * (zReference[id] - z[id]);
            return new PositionScore(nll, (difference / sum) - referenceLogSum + logSum, agrees);
        }

        private static NumericsException NotFinite(string model, int window, int position)
            => new($"logits of {model} are not finite at position {position} of window {window}; its weights may be damaged");
    }
}
