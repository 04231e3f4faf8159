using System.Text.RegularExpressions;

namespace Halfbit.Evaluation;

/// <summary>HellaSwag (Zellers et al., 2019): which of four endings goes on.</summary>
internal static partial class HellaSwag
{
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "hellaswag",
        Files = ["hellaswag.jsonl", "hellaswag/hellaswag_val.jsonl", "hellaswag_val.jsonl"],
        Origin = "hellaswag_val.jsonl of HellaSwag (github.com/rowanz/hellaswag)",
        Contexts = ["{query}"],
        ChoicesField = "endings",
        Gold = "{label}",
        Metrics = [TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy],
        Prepare = row => row
            .With("query", Clean($"{row.Text("activity_label")}: {row.Text("ctx_a")} {Capitalized(row.Text("ctx_b"))}"))
            .With("endings", row.Texts("endings").Select(Clean)),
    };

    /// <summary>Removes the marks of WikiHow's markup. Not trimmed afterwards: an ending that began with a mark keeps its blank.</summary>
    private static string Clean(string text)
    {
        text = PythonText.Trim(text).Replace(" [title]", ". ", StringComparison.Ordinal);
        return Mark().Replace(text, string.Empty).Replace("  ", " ", StringComparison.Ordinal);
    }

    /// <summary>First character upper case, all others lower case.</summary>
    private static string Capitalized(string text)
    {
        if (text.Length == 0) return text;
        int first = char.IsSurrogatePair(text, 0) ? 2 : 1;
        return text[..first].ToUpperInvariant() + text[first..].ToLowerInvariant();
    }

    [GeneratedRegex(@"\[.*?\]")]
    private static partial Regex Mark();
}
