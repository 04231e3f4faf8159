using Halfbit.Evaluation;

namespace Halfbit.Cli;

/// <summary>Results of tasks on the terminal.</summary>
internal static class TaskPrinter
{
    /// <summary>A row for each task and group; subjects of a group only in JSON.</summary>
    public static void Print(TaskTable table)
    {
        Console.WriteLine(Row("task", "docs", "acc", "acc_norm", "perplexity"));
        foreach ((string name, int documents, IReadOnlyList<MetricValue> metrics) in table.Rows)
        {
            string Cell(string metric) => metrics.FirstOrDefault(m => m.Name == metric) ?.Text ?? "-";
            Console.WriteLine(Row(name, FormattableString.Invariant($"{documents}"), Cell("acc"), Cell("acc_norm"), Cell("perplexity")));
        }

        if (table.MeanAccuracy is double mean && table.Rows.Count > 1) Console.WriteLine(Row("mean of acc", string.Empty, FormattableString.Invariant($"{mean:F4}"), string.Empty, string.Empty));
        int truncated = table.Scores.Sum(s => s.TruncatedRequests);
        if (truncated > 0) Console.WriteLine($"{truncated} requests were longer than the model's context and lost their beginning");
    }

    /// <summary>What the tasks ask, hashed.</summary>
    public static void Print(IEnumerable<(string Name, RequestFingerprint Fingerprint)> rows)
    {
        foreach ((string name, RequestFingerprint fingerprint) in rows)
            Console.WriteLine(FormattableString.Invariant($"{name}: {fingerprint.Documents} documents, {fingerprint.Requests} requests, sha256 {fingerprint.RequestsSha256}, answers {fingerprint.GoldSha256}"));
    }

    private static string Row(string name, string documents, string acc, string norm, string perplexity)
        => $"{name,-34} {documents,7} {acc,17} {norm,17} {perplexity,19}".TrimEnd();
}
