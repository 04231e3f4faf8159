using System.Security.Cryptography;
using System.Text;

namespace Halfbit.Evaluation;

/// <summary>What a task reports.</summary>
public enum TaskMetric
{
    /// <summary><c>acc</c>: the likeliest choice is the right one.</summary>
    Accuracy,

    /// <summary><c>acc_norm</c>: the same after dividing each log-likelihood by the choice's length in code points.</summary>
    NormalizedAccuracy,

    /// <summary><c>acc</c> of a task without choices: every token of the target is the model's first.</summary>
    GreedyAccuracy,

    /// <summary><c>perplexity</c>: exp(−mean log-likelihood of a target), per document.</summary>
    Perplexity,
}

/// <summary>A task: where its rows are, how a row becomes a context with choices, and what is reported.</summary>
public sealed record TaskDefinition
{
    /// <summary>Name in options and results.</summary>
    public required string Name { get; init; }

    /// <summary>Goes up when the same data gives other requests.</summary>
    public string Version { get; init; } = "1";

    /// <summary>Data files by preference, relative to the tasks folder: the normalised one first, then those that the authors publish.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Where the data come from, for people who lack them.</summary>
    public string Origin { get; init; } = "the task's authors";

    /// <summary>Files of the rows that few-shot examples are the first of; none: the task has no examples.</summary>
    public IReadOnlyList<string> ExampleFiles { get; init; } = [];

    /// <summary>Examples before each question.</summary>
    /// <value>≥ 0.</value>
    public int Shots { get; init; }

    /// <summary>Only rows whose field (first) has this text (second) belong to the task; null: all.</summary>
    public (string Field, string Value)? Only { get; init; }

    /// <summary>Text before everything, examples included.</summary>
    public string Description { get; init; } = string.Empty;

    /// <summary>Templates of the context: one for all choices, or one for each.</summary>
    public required IReadOnlyList<string> Contexts { get; init; }

    /// <summary>Templates of the choices; ignored where <see cref="ChoicesField"/> is given. One template with several contexts: the same continuation after each.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Field that lists the choices, or null.</summary>
    public string? ChoicesField { get; init; }

    /// <summary>Template of the right answer: the index of a choice, or one of the labels.</summary>
    public string Gold { get; init; } = "0";

    /// <summary>Labels of the choices; none: <see cref="Gold"/> is an index.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Field that lists the labels, or null.</summary>
    public string? LabelsField { get; init; }

    /// <summary>Between context and choice.</summary>
    public string Delimiter { get; init; } = " ";

    /// <summary>The file that defines the task, for messages; null: it is built in.</summary>
    public string? DefinedIn { get; init; }

    /// <summary>What is reported.</summary>
    public IReadOnlyList<TaskMetric> Metrics { get; init; } = [TaskMetric.Accuracy];

    /// <summary>Makes the template's fields from those of the file, where they differ; null: they are the same.</summary>
    public Func<TaskRow, TaskRow>? Prepare { get; init; }

    /// <summary>SHA-256 over everything that turns a row into requests, except the code of <see cref="Prepare"/>, for which <see cref="Version"/> stands.</summary>
    public string TemplateHash
    {
        get
        {
            string[] parts =
            [
                Version, Description, .. Contexts, "\u001d", .. Choices, "\u001d", ChoicesField ?? string.Empty, Gold, .. Labels, "\u001d", LabelsField ?? string.Empty,
                Delimiter, $"{Shots}", .. Metrics.Select(m => m.ToString()), Only is (string name, string text) ? $"{name}={text}" : string.Empty,
            ];
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\u001e', parts))));
        }
    }
}
