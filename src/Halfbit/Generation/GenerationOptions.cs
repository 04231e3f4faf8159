using Halfbit.Models;

namespace Halfbit.Generation;

/// <summary>How a prompt is continued.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens to write at most. The memory for keys and values of prompt and these, or of the whole context if that is less, is taken at the start (<see cref="KeyValueCache.ByteCount"/>).</summary>
    /// <value>≥ 1; default 128.</value>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>How each token is chosen.</summary>
    /// <value>Default: greedy.</value>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Seed of the draws.</summary>
    /// <value>≥ 0; default 0.</value>
    public long Seed { get; init; }

    /// <summary>Token ids that end the text; they are not part of it. Null: those that the model's config names.</summary>
    /// <value>Default null; an empty list never stops.</value>
    public IReadOnlyList<int>? StopTokens { get; init; }

    /// <summary>Prompt tokens of one pass: bounds the memory of long prompts. Does not change a bit of the result.</summary>
    /// <value>≥ 1; default 256.</value>
    public int PromptPiece { get; init; } = 256;

    /// <summary>How keys and values of earlier tokens are kept.</summary>
    /// <value>Default: single precision.</value>
    public CachePrecision Cache { get; init; }

    /// <summary>Prompt and continuation together, in tokens. Null: the model's <c>max_position_embeddings</c>.</summary>
    /// <value>≥ 2 or null.</value>
    public int? ContextLength { get; init; }
}

/// <summary>Why a continuation ended.</summary>
public enum GenerationEnd
{
    /// <summary>As many tokens as asked for.</summary>
    MaximumReached,

    /// <summary>The model chose a stop token.</summary>
    Stopped,

    /// <summary>Prompt and continuation fill the context.</summary>
    ContextFull,
}

/// <summary>A continuation.</summary>
/// <param name="Ids">The new tokens, without prompt and stop token.</param>
/// <param name="End">Why it ended.</param>
/// <param name="PromptTime">From the start to the logits of the prompt's last token.</param>
/// <param name="DecodeTime">The time of all later passes.</param>
/// <param name="DecodePasses">Number of those passes: one token each.</param>
public sealed record GenerationResult(IReadOnlyList<int> Ids, GenerationEnd End, TimeSpan PromptTime, TimeSpan DecodeTime, int DecodePasses);
