namespace Halfbit.Evaluation;

/// <summary>A context and the continuation whose likelihood is asked for.</summary>
/// <param name="Inputs">Token ids that are run, from position 0, at least one: the context and all of the continuation but its last token.</param>
/// <param name="Targets">The continuation, 1 to <paramref name="Inputs"/>.Length token ids: the logits of the last Targets.Length inputs predict one each.</param>
public readonly record struct ScoredSequence(int[] Inputs, int[] Targets);
