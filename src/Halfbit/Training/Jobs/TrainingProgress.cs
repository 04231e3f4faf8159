namespace Halfbit.Training;

/// <summary>How training goes, after a step.</summary>
public sealed record TrainingProgress
{
    /// <summary>Updates done, 1 after the first.</summary>
    public required int Step { get; init; }

    /// <summary>Updates of the whole run.</summary>
    public required int Steps { get; init; }

    /// <summary>What is minimized, nats per token, mean of the update's tokens.</summary>
    public required double Loss { get; init; }

    /// <summary>−log p of the next tokens, nats per token.</summary>
    public required double NegativeLogLikelihood { get; init; }

    /// <summary>KL(teacher ‖ model), nats per token; null without a teacher.</summary>
    public double? Divergence { get; init; }

    /// <summary>The learning rate of the update.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The norm of all gradients, before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>Training tokens per second, of this run of the program.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Seconds until the end, at this speed.</summary>
    public required double SecondsLeft { get; init; }

    /// <summary>Perplexity on the evaluation text, where this step was measured.</summary>
    public double? Perplexity { get; init; }
}
