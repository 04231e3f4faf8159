namespace Halfbit.Training;

/// <summary>What a training step minimizes: (1 − share)·cross-entropy + share·temperature²·KL(teacher ‖ model), means over the predicted tokens.</summary>
/// <param name="TeacherShare">Share of the divergence, 0 to 1; more than 0 needs a teacher.</param>
/// <param name="Temperature">What logits of both are divided by for the divergence, above 0 (arXiv 1503.02531).</param>
internal readonly record struct LossSettings(double TeacherShare, double Temperature)
{
    /// <summary>Cross-entropy alone.</summary>
    public static LossSettings CrossEntropy => new(0, 1);
}

/// <summary>Sums over the predicted tokens of some sequences.</summary>
/// <param name="Tokens">How many.</param>
/// <param name="NegativeLogLikelihood">Σ −log p(token), nats.</param>
/// <param name="Divergence">Σ KL(teacher ‖ model), nats, at the temperature of the loss.</param>
internal readonly record struct LossSums(long Tokens, double NegativeLogLikelihood, double Divergence)
{
    /// <summary>The loss of these tokens, nats per token.</summary>
    public double Mean(LossSettings settings)
        => ((1 - settings.TeacherShare) * NegativeLogLikelihood / Tokens) + (settings.TeacherShare * settings.Temperature * settings.Temperature * Divergence / Tokens);

    /// <summary>Both together.</summary>
    public static LossSums operator +(LossSums a, LossSums b) => new(a.Tokens + b.Tokens, a.NegativeLogLikelihood + b.NegativeLogLikelihood, a.Divergence + b.Divergence);
}
