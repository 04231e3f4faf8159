using Halfbit.Tokenization;

namespace Halfbit.Evaluation;

/// <summary>A request as token ids.</summary>
/// <param name="Sequence">What the model runs, and what is scored.</param>
/// <param name="ContextTokens">Tokens of the context before truncation, BOS included.</param>
/// <param name="Truncated">Tokens that were cut off at the left to fit the model.</param>
public readonly record struct EncodedRequest(ScoredSequence Sequence, int ContextTokens, int Truncated);

/// <summary>Turns requests into tokens as the harness does.</summary>
/// <remarks>
/// Current: blanks at the end of the context move to the continuation, both are encoded together, and the context's number of tokens says where
/// the continuation begins. 0.3: each is encoded on its own. What is longer than the model loses tokens at the left, BOS first.
/// </remarks>
public sealed class RequestEncoder
{
    private readonly Tokenizer tokenizer;
    private readonly Harness harness;
    private readonly int maxLength;
    private readonly int[] prefix;
    private readonly string prefixText;
    private string? lastContext;
    private int[] lastContextIds = [];

    /// <summary>An encoder.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="harness">Whose conventions.</param>
    /// <param name="bos">Whether contexts begin with BOS.</param>
    /// <param name="maxLength">Tokens that the model runs at once, ≥ 1.</param>
    /// <exception cref="TaskException">BOS is asked for, and the tokenizer names neither BOS nor EOS.</exception>
    public RequestEncoder(Tokenizer tokenizer, Harness harness, BosRule bos, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        this.tokenizer = tokenizer;
        this.harness = harness;
        this.maxLength = maxLength;
        prefix = bos switch
        {
            BosRule.On => [PrefixToken(tokenizer.BosId ?? tokenizer.EosId)],
            BosRule.Auto when harness == Harness.Current => [.. tokenizer.Prefix],
            _ => [],
        };
        prefixText = prefix.Length > 0 ? tokenizer.TokenText(prefix[0]) : string.Empty;
    }

    /// <summary>Whether contexts begin with special tokens.</summary>
    public bool AddsBos => prefix.Length > 0;

    /// <summary>Encodes one request.</summary>
    /// <exception cref="TaskException">The continuation has no token of its own or more than the model runs at once, or an empty context has no token to stand for it.</exception>
    public EncodedRequest Encode(TaskRequest request)
    {
        string context = request.Context;
        string continuation = request.Continuation;
        int[] before;
        int[] scored;
        if (context.Length == 0)
        {
            before = [PrefixToken(harness == Harness.Version03 ? tokenizer.EosId : tokenizer.BosId ?? tokenizer.EosId)];
            scored = tokenizer.Encode(continuation, addSpecial: false);
            if (harness == Harness.Current && scored.Length > 1 && scored[0] == before[0]) scored = scored[1..];
        }
        else if (harness == Harness.Version03)
        {
            before = Context(context);
            scored = tokenizer.Encode(continuation, addSpecial: false);
        }
        else
        {
            int blanks = PythonText.TrailingBlanks(context);
            if (blanks > 0)
            {
                continuation = context[^blanks..] + continuation;
                context = context[..^blanks];
            }

            before = Context(context);
            int[] whole = Framed(context + continuation);
            if (before.Length == 0 && whole.Length > 0) (before, whole) = ([PrefixToken(tokenizer.BosId ?? tokenizer.EosId)], [PrefixToken(tokenizer.BosId ?? tokenizer.EosId), .. whole]);
            scored = whole.Length > before.Length ? whole[before.Length..] : [];
        }

        if (scored.Length == 0) throw new TaskException($"the continuation '{request.Continuation}' has no token of its own after its context; it cannot be scored");
        if (scored.Length > maxLength) throw new TaskException($"a continuation has {scored.Length} tokens, the model runs at most {maxLength} at once; it cannot be scored");
        int[] full = [.. before, .. scored];
        int truncated = Math.Max(0, full.Length - (maxLength + 1));
        return new EncodedRequest(new ScoredSequence(full[truncated..^1], scored), before.Length, truncated);
    }

    private static int PrefixToken(int? id) => id ?? throw new TaskException("the tokenizer names neither BOS nor EOS, and there is nothing to begin a context with; use --bos off, and contexts that are not empty");

    /// <summary>The choices of an item share their context.</summary>
    private int[] Context(string context)
    {
        if (context != lastContext)
        {
            lastContextIds = Framed(context);
            lastContext = context;
        }

        return lastContextIds;
    }

    private int[] Framed(string text)
    {
        int[] ids = tokenizer.Encode(text, addSpecial: false);
        return prefix.Length == 0 || text.StartsWith(prefixText, StringComparison.Ordinal) ? ids : [.. prefix, .. ids];
    }
}
