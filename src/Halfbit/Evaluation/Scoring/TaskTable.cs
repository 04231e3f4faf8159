namespace Halfbit.Evaluation;

/// <summary>Scores of tasks with those of their groups.</summary>
public sealed class TaskTable
{
    /// <summary>Puts scores together.</summary>
    /// <param name="selections">What was asked for.</param>
    /// <param name="scores">A score for each task of the selections.</param>
    public TaskTable(IReadOnlyList<TaskSelection> selections, IReadOnlyList<TaskScore> scores)
    {
        ArgumentNullException.ThrowIfNull(selections);
        Scores = scores;
        Groups = [.. selections.SelectMany(s => s.Groups).Select(group => GroupScore.Of(group, scores))];
        Rows = [.. selections.SelectMany(RowsOf)];
        List<double> accuracies = [.. selections.Select(s => MetricsOf(s.Groups.Count > 0 ? s.Groups[0].Name : s.Tasks[0].Name).FirstOrDefault(m => m.Name == "acc")?.Value).OfType<double>()];
        MeanAccuracy = accuracies.Count > 0 ? accuracies.Average() : null;
    }

    /// <summary>A score for each task.</summary>
    public IReadOnlyList<TaskScore> Scores { get; }

    /// <summary>A score for each group.</summary>
    public IReadOnlyList<GroupScore> Groups { get; }

    /// <summary>What is shown: single tasks and groups, in the order asked for.</summary>
    public IReadOnlyList<(string Name, int Documents, IReadOnlyList<MetricValue> Metrics)> Rows { get; }

    /// <summary>Mean of <c>acc</c> over all that was asked for, each counting the same, as the papers average; null: nothing has an <c>acc</c>.</summary>
    public double? MeanAccuracy { get; }

    private IEnumerable<(string Name, int Documents, IReadOnlyList<MetricValue> Metrics)> RowsOf(TaskSelection selection)
    {
        if (selection.Groups.Count > 0) return selection.Groups.Select(g => Groups.First(s => s.Group == g)).Select(s => (s.Group.Name, s.Documents, s.Metrics));
        return selection.Tasks.Select(t => Scores.First(s => s.Definition.Name == t.Name)).Select(s => (s.Definition.Name, s.Documents, s.Metrics));
    }

    private IReadOnlyList<MetricValue> MetricsOf(string name) => Rows.First(r => r.Name == name).Metrics;
}
