using System.Globalization;
using Halfbit.Evaluation;

namespace Halfbit.Reports;

/// <summary>Zero-shot results of a comparison as a table: a column for each number that a task or a group reports, and the mean accuracy.</summary>
internal static class TaskColumns
{
    /// <summary>The table; null when no tasks were measured.</summary>
    public static HtmlTable? Table(ComparisonResult result)
    {
        if (result.Rows[0].Tasks is not TaskTable original) return null;
        List<string> columns = ["model", .. original.Rows.SelectMany(row => row.Metrics.Select(metric => $"{row.Name}, {metric.Name}")), "mean of acc"];
        var table = new HtmlTable("Zero-shot tasks; ± is the standard error", columns);
        foreach (ComparisonRow row in result.Rows)
        {
            if (row.Tasks is not TaskTable tasks) continue;
            table.Add(row.Name, [.. tasks.Rows.SelectMany(r => r.Metrics).Select(m => m.Text), tasks.MeanAccuracy?.ToString("F4", CultureInfo.InvariantCulture)]);
        }

        return table;
    }
}
