namespace Halfbit.Evaluation;

/// <summary>How perplexity is measured; the protocol itself is fixed.</summary>
public sealed record PerplexityOptions
{
    /// <summary>Tokens of a window.</summary>
    /// <value>≥ 2, or null for the model's maximum, at most 2048.</value>
    public int? Window { get; init; }

    /// <summary>Only this many tokens from the start of the stream are used.</summary>
    /// <value>≥ 2, or null for all.</value>
    public int? TokensLimit { get; init; }

    /// <summary>Rows of one pass: several windows are run together up to this number. Does not change the result.</summary>
    /// <value>≥ 1; default 2048. A single window may be larger.</value>
    public int BatchRows { get; init; } = 2048;
}

/// <summary>How far a measurement is.</summary>
/// <param name="Windows">Windows done.</param>
/// <param name="AllWindows">Windows in all.</param>
/// <param name="Perplexity">Perplexity of the windows done.</param>
public readonly record struct PerplexityProgress(int Windows, int AllWindows, double Perplexity);

/// <summary>Perplexity of a text.</summary>
/// <param name="Value">exp(<paramref name="MeanNll"/>).</param>
/// <param name="MeanNll">Mean negative log-likelihood, nats per predicted token.</param>
/// <param name="Window">Tokens of a window.</param>
/// <param name="Windows">Number of windows.</param>
/// <param name="PredictedTokens">windows · (window − 1).</param>
/// <param name="KlDivergence">Mean KL(reference ‖ model) over the same positions, in nats; null without a reference.</param>
/// <param name="Top1Agreement">Share of those positions at which both prefer the same token; null without a reference.</param>
public sealed record PerplexityResult(
    double Value, double MeanNll, int Window, int Windows, long PredictedTokens, double? KlDivergence, double? Top1Agreement);
