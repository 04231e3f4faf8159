using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Generation;

/// <summary>Continues a prompt, token by token: tokens in, tokens out, never text.</summary>
/// <param name="decoder">The model.</param>
/// <param name="clock">Measures the passes; null: the system's.</param>
public sealed class Generator(Decoder decoder, TimeProvider? clock = null)
{
    private readonly TimeProvider clock = clock ?? TimeProvider.System;

    /// <summary>Continues one prompt.</summary>
    /// <param name="prompt">Token ids, with BOS where the model wants one; at least one.</param>
    /// <param name="options">How.</param>
    /// <param name="onToken">Called for each new token as soon as it is chosen, or null.</param>
    /// <param name="cancellation">Looked at before each block of each pass, those of the prompt included.</param>
    /// <exception cref="ArgumentException">An option is out of range, the prompt is empty or fills the context, or a token id is outside the vocabulary.</exception>
    /// <exception cref="NumericsException">Logits are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public GenerationResult Generate(
        ReadOnlySpan<int> prompt, GenerationOptions options, Action<int>? onToken = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.MaxNewTokens < 1) throw new ArgumentException($"{options.MaxNewTokens} new tokens are asked for, expected 1 or more");
        if (options.PromptPiece < 1) throw new ArgumentException($"a prompt piece has {options.PromptPiece} tokens, expected 1 or more");
        if (prompt.IsEmpty) throw new ArgumentException("the prompt has no tokens; start with the model's BOS token");
        int context = ContextOf(options);
        if (prompt.Length >= context)
            throw new ArgumentException($"the prompt has {prompt.Length} tokens, the context {context}; shorten the prompt so that at least one token can follow");

        var sampler = new Sampler(options.Sampling);
        var random = new PythonRandom(options.Seed);
        IReadOnlyList<int> stopTokens = options.StopTokens ?? decoder.Config.EosTokenIds;
        int maximum = Math.Min(options.MaxNewTokens, context - prompt.Length);
        KeyValueCache cache = decoder.NewCache(prompt.Length + maximum, options.Cache);
        var batch = new SequenceBatch();
        var logits = new Matrix(1, decoder.Config.VocabularySize);
        var ids = new List<int>();

        long start = clock.GetTimestamp();
        for (int t = 0; t < prompt.Length; t += options.PromptPiece)
        {
            ReadOnlySpan<int> piece = prompt.Slice(t, Math.Min(options.PromptPiece, prompt.Length - t));
            Pass(piece, batch, cache, t + piece.Length == prompt.Length ? logits : null, cancellation);
        }

        TimeSpan promptTime = clock.GetElapsedTime(start);
        TimeSpan decodeTime = TimeSpan.Zero;
        int passes = 0;
        while (true)
        {
            int id = sampler.Choose(logits.Row(0), random);
            if (stopTokens.Contains(id)) return new GenerationResult(ids, GenerationEnd.Stopped, promptTime, decodeTime, passes);
            ids.Add(id);
            onToken?.Invoke(id);
            if (ids.Count == maximum)
            {
                GenerationEnd end = maximum == options.MaxNewTokens ? GenerationEnd.MaximumReached : GenerationEnd.ContextFull;
                return new GenerationResult(ids, end, promptTime, decodeTime, passes);
            }

            start = clock.GetTimestamp();
            Pass([id], batch, cache, logits, cancellation);
            decodeTime += clock.GetElapsedTime(start);
            passes++;
        }
    }

    /// <summary>The next tokens of the sequence; logits of the last one where they are wanted.</summary>
    private void Pass(ReadOnlySpan<int> tokens, SequenceBatch batch, KeyValueCache cache, Matrix? logits, CancellationToken cancellation)
    {
        batch.Clear();
        batch.Add(tokens, cache);
        Matrix hidden = decoder.Forward(batch, cancellation);
        if (logits is not null) decoder.Logits(hidden, [tokens.Length - 1], logits);
    }

    private int ContextOf(GenerationOptions options)
    {
        int context = options.ContextLength ?? decoder.Config.MaxPositions;
        if (context < 2) throw new ArgumentException($"the context length is {context}, expected 2 tokens or more");
        if (context > decoder.PositionLimit)
            throw new ArgumentException($"the context length is {context}, but the model has learned positions for {decoder.PositionLimit} tokens only");
        return context;
    }
}
