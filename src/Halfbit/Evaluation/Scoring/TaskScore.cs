using System.Globalization;

namespace Halfbit.Evaluation;

/// <summary>A number that a task reports.</summary>
/// <param name="Name">The harness's name for it: <c>acc</c>, <c>acc_norm</c>, <c>perplexity</c>.</param>
/// <param name="Value">The number.</param>
/// <param name="StandardError">Its standard error; NaN for a single document.</param>
public sealed record MetricValue(string Name, double Value, double StandardError)
{
    /// <summary>Value ± standard error, for tables: shares with four decimals, perplexities with two.</summary>
    public string Text
    {
        get
        {
            string format = Name == "perplexity" ? "F2" : "F4";
            string value = Value.ToString(format, CultureInfo.InvariantCulture);
            return double.IsFinite(StandardError) ? $"{value} ± {StandardError.ToString(format, CultureInfo.InvariantCulture)}" : value;
        }
    }
}

/// <summary>The result of one task.</summary>
/// <param name="Definition">The task.</param>
/// <param name="Answers">What the model answered, in the order of the documents.</param>
public sealed record TaskScore(TaskDefinition Definition, IReadOnlyList<ItemAnswer> Answers)
{
    /// <summary>What the task reports.</summary>
    public IReadOnlyList<MetricValue> Metrics { get; } = [.. Definition.Metrics.Select(metric => Measure(metric, Answers))];

    /// <summary>Documents.</summary>
    public int Documents => Answers.Count;

    /// <summary>Requests that did not fit the model and lost tokens at their left.</summary>
    public int TruncatedRequests => Answers.Sum(a => a.Truncated.Count(t => t > 0));

    /// <summary>The metric of that name, or null.</summary>
    public MetricValue? Find(string name) => Metrics.FirstOrDefault(m => m.Name == name);

    private static MetricValue Measure(TaskMetric metric, IReadOnlyList<ItemAnswer> answers) => metric switch
    {
        TaskMetric.Accuracy => Mean("acc", answers, a => a.Prediction == a.Gold),
        TaskMetric.NormalizedAccuracy => Mean("acc_norm", answers, a => a.NormalizedPrediction == a.Gold),
        TaskMetric.GreedyAccuracy => Mean("acc", answers, a => a.IsGreedy[0]),
        _ => PerplexityOf([.. answers.Select(a => a.LogLikelihoods[0])]),
    };

    /// <summary>The share p of right answers, with √(p·(1 − p)/(n − 1)).</summary>
    private static MetricValue Mean(string name, IReadOnlyList<ItemAnswer> answers, Func<ItemAnswer, bool> isRight)
    {
        double n = answers.Count;
        double p = answers.Count(isRight) / n;
        return new MetricValue(name, p, n > 1 ? Math.Sqrt(p * (1 - p) / (n - 1)) : double.NaN);
    }

    private static MetricValue PerplexityOf(double[] likelihoods)
        => new("perplexity", Math.Exp(-likelihoods.Sum() / likelihoods.Length), Bootstrap.PerplexityError(likelihoods));
}

/// <summary>The mean of several tasks, each document counting the same.</summary>
/// <param name="Group">The group.</param>
/// <param name="Documents">Documents of all its tasks.</param>
/// <param name="Metrics">The metrics that all its tasks report.</param>
public sealed record GroupScore(TaskGroup Group, int Documents, IReadOnlyList<MetricValue> Metrics)
{
    /// <summary>Pools scores: variance Σ (nₖ − 1)·seₖ²·nₖ ÷ (Σ nₖ − K), divided by Σ nₖ.</summary>
    /// <param name="group">The group.</param>
    /// <param name="scores">Scores of at least its tasks.</param>
    public static GroupScore Of(TaskGroup group, IReadOnlyCollection<TaskScore> scores)
    {
        ArgumentNullException.ThrowIfNull(group);
        List<TaskScore> members = [.. scores.Where(s => group.Members.Contains(s.Definition.Name))];
        double n = members.Sum(s => (double)s.Documents);
        IEnumerable<string> names = members[0].Metrics.Select(m => m.Name).Where(name => name != "perplexity" && members.All(s => s.Find(name) is not null));
        return new GroupScore(group, (int)n, [.. names.Select(name => new MetricValue(
            name,
            members.Sum(s => s.Find(name)!.Value * s.Documents) / n,
            Math.Sqrt(members.Sum(s => s.Documents < 2 ? 0 : (s.Documents - 1.0) * Square(s.Find(name)!.StandardError) * s.Documents) / (n - members.Count) / n)))]);
    }

    private static double Square(double x) => x * x;
}
