namespace Halfbit.Generation;

/// <summary>How the next token is chosen from its logits.</summary>
public sealed record SamplingOptions
{
    /// <summary>Logits are divided by this before the softmax; 0 takes the largest logit.</summary>
    /// <value>≥ 0; default 0 (greedy).</value>
    public double Temperature { get; init; }

    /// <summary>Only this many of the most likely tokens stay; 0 keeps all.</summary>
    /// <value>≥ 0; default 0.</value>
    public int TopK { get; init; }

    /// <summary>Only the most likely tokens stay whose probabilities first reach this sum (arXiv 1904.09751), after <see cref="TopK"/>.</summary>
    /// <value>In (0, 1]; default 1 (all).</value>
    public double TopP { get; init; } = 1;

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ArgumentException">A value is outside its range.</exception>
    public void Validate()
    {
        if (!(Temperature >= 0) || double.IsInfinity(Temperature)) throw new ArgumentException(FormattableString.Invariant($"temperature is {Temperature}, expected 0 (greedy) or more"));
        if (TopK < 0) throw new ArgumentException($"top-k is {TopK}, expected 0 (all tokens) or more");
        if (!(TopP > 0 && TopP <= 1)) throw new ArgumentException(FormattableString.Invariant($"top-p is {TopP}, expected a share above 0 and up to 1 (all tokens)"));
    }
}
