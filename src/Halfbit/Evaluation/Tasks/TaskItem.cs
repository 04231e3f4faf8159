namespace Halfbit.Evaluation;

/// <summary>What a model is asked: how likely is this continuation after this context?</summary>
/// <param name="Context">Text before; may be empty.</param>
/// <param name="Continuation">Text that is scored, with its leading blank.</param>
public readonly record struct TaskRequest(string Context, string Continuation);

/// <summary>One document of a task, ready to be scored.</summary>
/// <param name="Index">Place among the task's documents, in the order of the file, 0-based.</param>
/// <param name="Requests">One per choice.</param>
/// <param name="Lengths">Unicode code points of each choice without its delimiter (of each context, where these differ): what <c>acc_norm</c> divides by.</param>
/// <param name="Gold">Index of the right choice.</param>
public sealed record TaskItem(int Index, IReadOnlyList<TaskRequest> Requests, IReadOnlyList<int> Lengths, int Gold);
