using System.Numerics.Tensors;

namespace Halfbit.Evaluation;

/// <summary>What a model answered to one item.</summary>
/// <param name="Index">The item's index in its task.</param>
/// <param name="Gold">Index of the right choice.</param>
/// <param name="LogLikelihoods">Log-likelihood of each choice, nats.</param>
/// <param name="IsGreedy">Whether each choice is what the model would write.</param>
/// <param name="Lengths">Code points of each choice.</param>
/// <param name="ContextTokens">Tokens of each context before truncation.</param>
/// <param name="Truncated">Tokens that each request lost at its left.</param>
public sealed record ItemAnswer(int Index, int Gold, IReadOnlyList<double> LogLikelihoods, IReadOnlyList<bool> IsGreedy, IReadOnlyList<int> Lengths, IReadOnlyList<int> ContextTokens, IReadOnlyList<int> Truncated)
{
    /// <summary>Whether every choice has its numbers and the right one is among them: false only for what was read from a damaged file.</summary>
    internal bool IsWhole
        => Index >= 0 && Gold >= 0 && Gold < LogLikelihoods.Count && new[] { IsGreedy.Count, Lengths.Count, ContextTokens.Count, Truncated.Count }.All(count => count == LogLikelihoods.Count);

    /// <summary>The likeliest choice; the first among equals.</summary>
    public int Prediction => TensorPrimitives.IndexOfMax<double>([.. LogLikelihoods]);

    /// <summary>The likeliest choice per code point; the first among equals.</summary>
    public int NormalizedPrediction => TensorPrimitives.IndexOfMax<double>([.. LogLikelihoods.Zip(Lengths, (likelihood, length) => likelihood / Math.Max(length, 1))]);
}
