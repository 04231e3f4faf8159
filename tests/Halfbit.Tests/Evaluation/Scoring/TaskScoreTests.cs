using Halfbit.Evaluation;

namespace Halfbit.Tests.Evaluation.Scoring;

public sealed class TaskScoreTests
{
    [Fact]
    public void The_first_among_equal_choices_is_predicted()
    {
        ItemAnswer answer = Answer(1, [-2, -1, -1], lengths: [4, 2, 2]);
        Assert.Equal((1, 0), (answer.Prediction, Answer(0, [-4, -2, -2], lengths: [4, 2, 2]).NormalizedPrediction)); // −1 each
        Assert.Equal(0, answer.NormalizedPrediction); // −0.5 each
        Assert.Equal(1, Answer(0, [-9, -1], lengths: [0, 1]).NormalizedPrediction); // nothing is divided by zero
    }

    [Fact]
    public void Accuracies_have_the_sample_standard_error()
    {
        TaskScore score = Score("t", [TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy], Answer(0, [-1, -2], [1, 4]), Answer(0, [-1, -2], [1, 1]), Answer(1, [-1, -2], [1, 4]), Answer(1, [-1, -2], [1, 1]), Answer(1, [-1, -2], [1, 1]));
        Assert.Equal(0.4, score.Find("acc")!.Value);
        Assert.Equal(Math.Sqrt(0.4 * 0.6 / 4), score.Find("acc")!.StandardError, 1e-15);
        Assert.Equal(0.4, score.Find("acc_norm")!.Value);
        Assert.Null(score.Find("perplexity"));
        Assert.Equal(double.NaN, Score("t", [TaskMetric.Accuracy], Answer(0, [-1], [1])).Metrics[0].StandardError);
    }

    [Fact]
    public void A_task_of_targets_counts_greedy_answers_and_their_perplexity()
    {
        TaskScore score = Score("t", [TaskMetric.Perplexity, TaskMetric.GreedyAccuracy], Answer(0, [-1], [1]) with { IsGreedy = [true] }, Answer(0, [-3], [1]), Answer(0, [-2], [1]));
        Assert.Equal(Math.Exp(2), score.Find("perplexity")!.Value, 1e-12);
        Assert.Equal(1.0 / 3, score.Find("acc")!.Value, 1e-15);
    }

    /// <summary>Computed with Python: chunks of 1000 draws from random.Random(chunk).choices, sample standard deviation of exp(−mean).</summary>
    [Fact]
    public void The_standard_error_of_a_perplexity_is_the_harness_bootstrap()
    {
        TaskScore score = Score("t", [TaskMetric.Perplexity], [.. Enumerable.Range(1, 12).Select(i => Answer(0, [-0.25 * i], [1]))]);
        Assert.Equal(BootstrapError, score.Metrics[0].StandardError, 1e-9);
    }

    [Fact]
    public void Groups_weigh_tasks_by_their_documents()
    {
        TaskScore a = Score("a", [TaskMetric.Accuracy, TaskMetric.NormalizedAccuracy], Answer(0, [-1, -2], [1, 1]), Answer(0, [-1, -2], [1, 1]), Answer(1, [-1, -2], [1, 1]));
        TaskScore b = Score("b", [TaskMetric.Accuracy], Answer(0, [-1, -2], [1, 1]), Answer(1, [-1, -2], [1, 1]));
        TaskScore other = Score("c", [TaskMetric.Accuracy], Answer(1, [-1, -2], [1, 1]));
        GroupScore group = GroupScore.Of(new TaskGroup("g", ["a", "b"]), [a, b, other]);
        MetricValue acc = Assert.Single(group.Metrics);
        Assert.Equal(("acc", 5), (acc.Name, group.Documents));
        Assert.Equal(0.6, acc.Value, 1e-15);
        double pooled = ((2 * (2.0 / 9 / 2) * 3) + (1 * (0.25 / 1) * 2)) / (5 - 2);
        Assert.Equal(Math.Sqrt(pooled / 5), acc.StandardError, 1e-15);
        GroupScore small = GroupScore.Of(new TaskGroup("g", ["c", "b"]), [a, b, other]);
        Assert.Equal(1.0 / 3, small.Metrics[0].Value, 1e-15);
        Assert.Equal(Math.Sqrt(1 * 0.25 * 2 / 1 / 3), small.Metrics[0].StandardError, 1e-15);
    }

    [Fact]
    public void A_table_shows_groups_instead_of_their_tasks_and_averages_what_was_asked_for()
    {
        TaskScore[] scores = [Score("a", [TaskMetric.Accuracy], Answer(0, [-1, -2], [1, 1])), Score("b", [TaskMetric.Accuracy], Answer(1, [-1, -2], [1, 1])), Score("c", [TaskMetric.Accuracy], Answer(0, [-1, -2], [1, 1]))];
        var table = new TaskTable([new TaskSelection("a", [scores[0].Definition], []), new TaskSelection("g", [scores[1].Definition, scores[2].Definition], [new TaskGroup("g", ["b", "c"]), new TaskGroup("half", ["c"])])], scores);
        Assert.Equal([("a", 1), ("g", 2), ("half", 1)], table.Rows.Select(r => (r.Name, r.Documents)));
        Assert.Equal(0.75, table.MeanAccuracy);
    }

    private const double BootstrapError = 1.3278331938578016;

    private static TaskScore Score(string name, TaskMetric[] metrics, params ItemAnswer[] answers) => new(new TaskDefinition { Name = name, Files = [], Contexts = [], Metrics = metrics }, answers);

    private static ItemAnswer Answer(int gold, double[] likelihoods, int[] lengths)
        => new(0, gold, likelihoods, new bool[likelihoods.Length], lengths, new int[likelihoods.Length], new int[likelihoods.Length]);
}
