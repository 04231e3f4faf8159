using Halfbit.Evaluation;
using Halfbit.Tokenization;

namespace Halfbit.Reports;

/// <summary>Zero-shot tasks that every model of a comparison is measured on.</summary>
/// <param name="Selections">The tasks.</param>
/// <param name="Library">Their data.</param>
/// <param name="Options">How they are run.</param>
/// <param name="Tokenizer">The tokenizer of the original, which all models share.</param>
public sealed record TaskComparison(IReadOnlyList<TaskSelection> Selections, TaskLibrary Library, TaskRunOptions Options, Tokenizer Tokenizer)
{
    /// <summary>All tasks, in order.</summary>
    public IReadOnlyList<TaskDefinition> Tasks { get; } = [.. Selections.SelectMany(s => s.Tasks)];

    /// <summary>The conditions in words: what is needed to measure the same again.</summary>
    public string Conditions
        => $"{string.Join(", ", Selections.Select(s => s.Name))}; conventions of lm-evaluation-harness {(Options.Harness == Harness.Version03 ? "0.3" : "current")}, BOS {Options.Bos.ToString().ToLowerInvariant()}, "
            + (Options.Limit is int limit ? $"{limit} documents of each task" : "all documents");
}
