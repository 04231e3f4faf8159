using Halfbit.Training;

namespace Halfbit.Cli;

/// <summary>Shows how training goes: a line that is rewritten, and one that stays for each measurement.</summary>
internal sealed class TrainingProgressPrinter : IDisposable
{
    private readonly ProgressLine line = new();

    /// <summary>Shows a step.</summary>
    public void Show(TrainingProgress progress)
    {
        if (progress.Perplexity is double perplexity)
            line.Keep(FormattableString.Invariant($"step {progress.Step}: perplexity {perplexity:F3} (first tokens of the evaluation text), loss {progress.Loss:F4}"));
        line.Update(() => Text(progress));
    }

    /// <inheritdoc/>
    public void Dispose() => line.Dispose();

    private static string Text(TrainingProgress progress)
    {
        string left = progress.SecondsLeft < 90 ? FormattableString.Invariant($"{progress.SecondsLeft:F0} s left") : FormattableString.Invariant($"{progress.SecondsLeft / 60:F0} min left");
        string divergence = progress.Divergence is double kl ? FormattableString.Invariant($", KL {kl:F4}") : string.Empty;
        return FormattableString.Invariant($"step {progress.Step}/{progress.Steps}: loss {progress.Loss:F4} (NLL {progress.NegativeLogLikelihood:F4}{divergence}), lr {progress.LearningRate:G3}, {progress.TokensPerSecond:F0} tokens/s, about {left}");
    }
}
