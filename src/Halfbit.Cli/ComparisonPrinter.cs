using System.Text.Json.Nodes;
using Halfbit.Reports;

namespace Halfbit.Cli;

/// <summary>A comparison on the console: its progress, its table, its JSON.</summary>
internal sealed class ComparisonPrinter : IDisposable
{
    private readonly ProgressLine line = new();
    private QuantizationProgressPrinter? job;
    private string? jobName;

    /// <summary>Shows a step.</summary>
    public void Show(ComparisonProgress step)
    {
        if (step.Job is { } jobStep)
        {
            if (jobName != step.Name)
            {
                job?.Dispose();
                job = new QuantizationProgressPrinter(step.Name, isBrief: true);
                jobName = step.Name;
            }

            job!.Show(jobStep);
            return;
        }

        EndJob();
        if (step.Tasks is { } tasks)
        {
            line.Update(() => FormattableString.Invariant($"{step.Name}: {tasks.TaskName}: document {tasks.Documents}/{tasks.AllDocuments}, {100 * tasks.Share:F0} % of the tasks"));
            return;
        }

        line.Update(() => FormattableString.Invariant($"{step.Name}: {step.Text}: window {step.Evaluation.Windows}/{step.Evaluation.AllWindows}, perplexity {step.Evaluation.Perplexity:F3}"));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        EndJob();
        line.Dispose();
    }

    /// <summary>Prints the table of all rows.</summary>
    /// <param name="result">The comparison.</param>
    /// <param name="isDetailed">Whether nominal bits, divergence and peak memory are shown too.</param>
    public static void PrintTable(ComparisonResult result, bool isDetailed)
    {
        int width = Math.Max(22, result.Rows.Max(r => r.Name.Length));
        bool hasDivergence = isDetailed && result.Rows.Any(r => r.KlDivergence is not null);
        bool hasPeak = isDetailed && result.Rows.Any(r => r.PeakMemoryBytes is not null);
        Console.WriteLine("model".PadRight(width) + (isDetailed ? "   nominal" : "") + "   bits/weight   weights files   perplexity"
            + (hasDivergence ? "   KL, nats   top-1, %" : "") + "   seconds" + (hasPeak ? "   peak MB" : "") + (isDetailed ? "   front" : ""));
        foreach (ComparisonRow row in result.Rows)
        {
            string text = row.Name.PadRight(width);
            if (row.Error is not null)
            {
                Console.WriteLine($"{text}   failed: {row.Error}");
                continue;
            }

            if (isDetailed) text += FormattableString.Invariant($"   {row.NominalBits,7:F2}");
            text += FormattableString.Invariant($"   {row.TrueBits,11:F3}   {row.Bytes / 1e6,10:F1} MB   {row.Perplexity,10:F2}");
            if (hasDivergence) text += FormattableString.Invariant($"   {row.KlDivergence,8:F4}   {100 * row.Top1Agreement,8:F1}");
            text += FormattableString.Invariant($"   {row.Seconds,7:F1}");
            if (hasPeak) text += row.PeakMemoryBytes is long peak ? FormattableString.Invariant($"   {peak / 1e6,7:F0}") : new string(' ', 10);
            if (isDetailed && result.ParetoFront.Contains(row.Name)) text += "   *";
            Console.WriteLine(text.TrimEnd());
        }
    }

    /// <summary>Prints the accuracies of all rows, and their means; nothing when no tasks were measured.</summary>
    public static void PrintTasks(ComparisonResult result)
    {
        if (result.Rows[0].Tasks is not { } original) return;
        int width = Math.Max(22, result.Rows.Max(r => r.Name.Length));
        string[] names = [.. original.Rows.Where(r => r.Metrics.Any(m => m.Name == "acc")).Select(r => r.Name), "mean"];
        Console.WriteLine();
        Console.WriteLine($"zero-shot, acc in %    {result.TaskConditions}");
        Console.WriteLine("model".PadRight(width) + string.Concat(names.Select(name => "   " + name.PadLeft(6))));
        foreach (ComparisonRow row in result.Rows)
        {
            if (row.Tasks is not { } tasks) continue;
            IEnumerable<double?> values = tasks.Rows.Select(r => r.Metrics.FirstOrDefault(m => m.Name == "acc")?.Value).Where(v => v is not null).Append(tasks.MeanAccuracy);
            Console.WriteLine(row.Name.PadRight(width) + string.Concat(values.Zip(names, (value, name) => "   " + FormattableString.Invariant($"{100 * value:F2}").PadLeft(Math.Max(6, name.Length)))));
        }
    }

    /// <summary>The rows as JSON.</summary>
    public static JsonArray ToJson(ComparisonResult result) => JsonOutput.Array(result.Rows.Select(row => ToJson(row, result)));

    /// <summary>One line that names the methods that failed, or null.</summary>
    public static string? Failures(ComparisonResult result)
    {
        ComparisonRow[] failed = [.. result.Rows.Where(r => r.Error is not null)];
        return failed.Length == 0 ? null : $"{failed.Length} of {result.Rows.Count - 1} methods failed: {string.Join("; ", failed.Select(r => $"{r.Name}: {r.Error}"))}";
    }

    private static JsonObject ToJson(ComparisonRow row, ComparisonResult result)
    {
        bool isDone = row.Error is null;
        var json = new JsonObject
        {
            ["name"] = row.Name,
            ["method"] = row.Method,
            ["options"] = JsonOutput.Object(row.Options),
            ["nominalBits"] = JsonOutput.Number(row.NominalBits),
            ["trueBits"] = JsonOutput.Number(row.TrueBits),
            ["bytes"] = isDone ? row.Bytes : null,
            ["perplexity"] = JsonOutput.Number(row.Perplexity),
            ["klDivergence"] = OrNull(row.KlDivergence),
            ["top1Agreement"] = OrNull(row.Top1Agreement),
            ["perplexities"] = JsonOutput.Array(row.Texts.Select(t => new JsonObject
            {
                ["file"] = t.Text,
                ["value"] = JsonOutput.Number(t.Result.Value),
                ["klDivergence"] = OrNull(t.Result.KlDivergence),
                ["top1Agreement"] = OrNull(t.Result.Top1Agreement),
                ["predictedTokens"] = t.Result.PredictedTokens,
                ["window"] = t.Result.Window,
                ["windows"] = t.Result.Windows,
                ["seconds"] = t.Seconds,
            })),
            ["seconds"] = JsonOutput.Number(row.Seconds),
            ["peakMemoryBytes"] = row.PeakMemoryBytes,
            ["pareto"] = result.ParetoFront.Contains(row.Name),
            ["errorsWeightedBy"] = row.Layers.Count == 0 ? null : row.HasWeightedErrors ? "calibration" : "nothing",
            ["layers"] = LayerJson.Of(row.Layers),
        };
        if (row.Tasks is { } tasks) json["zeroShot"] = TaskJson.Scores(tasks, withItems: false);
        if (!isDone) json["error"] = row.Error;
        return json;
    }

    private static JsonNode? OrNull(double? value) => value is double number ? JsonOutput.Number(number) : null;

    private void EndJob()
    {
        job?.Dispose();
        job = null;
        jobName = null;
    }
}
