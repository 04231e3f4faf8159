namespace Halfbit.Evaluation;

/// <summary>A mean over several tasks, weighted by their documents.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Members">Names of the tasks.</param>
public sealed record TaskGroup(string Name, IReadOnlyList<string> Members);

/// <summary>What one name on the command line stands for: a task, or a group with its parts.</summary>
/// <param name="Name">The name.</param>
/// <param name="Tasks">The tasks, in the order in which they run.</param>
/// <param name="Groups">Groups to report, the widest first; none for a single task.</param>
public sealed record TaskSelection(string Name, IReadOnlyList<TaskDefinition> Tasks, IReadOnlyList<TaskGroup> Groups);
