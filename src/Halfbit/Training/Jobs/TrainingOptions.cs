using System.Text.Json.Nodes;
using Halfbit.Checkpoints;

namespace Halfbit.Training;

/// <summary>How a model is trained: the text, the steps, the optimizer, what is kept on the way.</summary>
public sealed record TrainingOptions
{
    /// <summary>UTF-8 text files to train on, at least one.</summary>
    public required IReadOnlyList<string> Data { get; init; }

    /// <summary>Updates of the weights.</summary>
    /// <value>≥ 1.</value>
    public required int Steps { get; init; }

    /// <summary>Sequences per update.</summary>
    /// <value>≥ 1; default 8.</value>
    public int Batch { get; init; } = 8;

    /// <summary>Sequences that pass at once; the gradients of those of an update add up.</summary>
    /// <value>1 to <see cref="Batch"/>; null: as many as make 4096 tokens.</value>
    public int? MicroBatch { get; init; }

    /// <summary>Tokens per sequence.</summary>
    /// <value>2 to the model's context; null: 512, or the context where that is smaller.</value>
    public int? SequenceLength { get; init; }

    /// <summary>The largest learning rate.</summary>
    /// <value>&gt; 0.</value>
    public required double LearningRate { get; init; }

    /// <summary>Share of the steps in which the learning rate rises.</summary>
    /// <value>0 to 1; default 0.05.</value>
    public double WarmUp { get; init; } = 0.05;

    /// <summary>The last learning rate as a share of the largest.</summary>
    /// <value>0 to 1; default 0.</value>
    public double Floor { get; init; }

    /// <summary>Decoupled weight decay λ.</summary>
    /// <value>≥ 0; default 0.</value>
    public double WeightDecay { get; init; }

    /// <summary>Largest norm of all gradients.</summary>
    /// <value>&gt; 0; default 1; null: any.</value>
    public double? Clip { get; init; } = 1;

    /// <summary>Seed of the order of the text, and of first values where a model starts from nothing.</summary>
    public long Seed { get; init; }

    /// <summary>A text to measure perplexity on; null: none is measured.</summary>
    public string? EvaluationFile { get; init; }

    /// <summary>Steps between two measurements of perplexity; there is always one at the end.</summary>
    /// <value>≥ 1; null: a tenth of the steps.</value>
    public int? EvaluateEvery { get; init; }

    /// <summary>Tokens of the text that are measured on the way; at the end all of it is.</summary>
    /// <value>≥ 2; default 20 000.</value>
    public int EvaluationTokens { get; init; } = 20_000;

    /// <summary>Tokens per window of the evaluation.</summary>
    /// <value>2 to the context; null: <see cref="SequenceLength"/>.</value>
    public int? EvaluationWindow { get; init; }

    /// <summary>Seconds between two states on the disk; one is also written when the run is interrupted.</summary>
    /// <value>&gt; 0; default 300.</value>
    public double SaveSeconds { get; init; } = 300;

    /// <summary>Bytes of activations that may be kept for the backward pass instead of being computed again.</summary>
    /// <value>≥ 0; default 1 GB.</value>
    public long KeptBytes { get; init; } = 1_000_000_000;

    /// <summary>Tokens of the sequences that pass at once when <see cref="MicroBatch"/> does not say.</summary>
    internal const int TokensAtOnce = 4096;

    /// <summary>The sequences that pass at once.</summary>
    internal int SequencesAtOnce(int length) => Math.Min(Batch, MicroBatch ?? Math.Max(1, TokensAtOnce / length));

    /// <summary>Tokens per sequence of a model.</summary>
    internal int LengthFor(ModelConfig config) => SequenceLength ?? Math.Min(512, config.MaxPositions);

    /// <summary>All that decides what is learnt.</summary>
    internal JsonObject Identity(TrainingText text) => new()
    {
        ["steps"] = Steps,
        ["batch"] = Batch,
        ["microBatch"] = SequencesAtOnce(text.Length),
        ["sequenceLength"] = text.Length,
        ["lr"] = LearningRate,
        ["warmup"] = WarmUp,
        ["floor"] = Floor,
        ["weightDecay"] = WeightDecay,
        ["clip"] = Clip,
        ["seed"] = Seed,
        ["text"] = text.Fingerprint,
    };

    /// <summary>Checks what does not depend on the model.</summary>
    /// <exception cref="TrainingException">A value is out of range.</exception>
    public void Validate()
    {
        Check(Data.Count >= 1, "--data names no text file, one or more are needed");
        Check(Steps >= 1, $"--steps is {Steps}, expected 1 or more");
        Check(Batch >= 1, $"--batch is {Batch}, expected 1 or more");
        Check(MicroBatch is null || (MicroBatch >= 1 && MicroBatch <= Batch), $"--micro-batch is {MicroBatch}, expected 1 to --batch ({Batch})");
        Check(LearningRate > 0 && double.IsFinite(LearningRate), FormattableString.Invariant($"--lr is {LearningRate}, expected a number above 0"));
        Check(WarmUp is >= 0 and <= 1, FormattableString.Invariant($"--warmup is {WarmUp}, expected a share of the steps from 0 to 1"));
        Check(Floor is >= 0 and <= 1, FormattableString.Invariant($"--lr-floor is {Floor}, expected a share of --lr from 0 to 1"));
        Check(WeightDecay >= 0 && double.IsFinite(WeightDecay), FormattableString.Invariant($"--weight-decay is {WeightDecay}, expected 0 or more"));
        Check(Clip is null || (Clip > 0 && double.IsFinite(Clip.Value)), FormattableString.Invariant($"--clip is {Clip}, expected a number above 0"));
        Check(EvaluateEvery is null or >= 1, $"--eval-every is {EvaluateEvery}, expected 1 or more");
        Check(EvaluationTokens >= 2, $"--eval-tokens is {EvaluationTokens}, expected 2 or more");
        Check(SaveSeconds > 0, FormattableString.Invariant($"--save-seconds is {SaveSeconds}, expected a number above 0"));
        Check(KeptBytes >= 0, $"--kept-bytes is {KeptBytes}, expected 0 or more");
    }

    private static void Check(bool holds, string message)
    {
        if (!holds) throw new TrainingException(message);
    }
}
