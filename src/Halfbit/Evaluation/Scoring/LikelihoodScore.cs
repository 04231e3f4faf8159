namespace Halfbit.Evaluation;

/// <summary>How likely a continuation is.</summary>
/// <param name="LogLikelihood">Σ ln p(target), natural logarithm, ≤ 0 up to rounding.</param>
/// <param name="IsGreedy">Whether each target has the largest logit of its row; among equal logits the lowest id counts.</param>
public readonly record struct LikelihoodScore(double LogLikelihood, bool IsGreedy);
