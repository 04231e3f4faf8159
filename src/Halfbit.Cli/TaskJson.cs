using System.Text.Json.Nodes;
using Halfbit.Evaluation;

namespace Halfbit.Cli;

/// <summary>Results of tasks as JSON, and what decides them.</summary>
internal static class TaskJson
{
    /// <summary>What decides a run's answers: two runs with the same identity give the same.</summary>
    public static JsonObject Identity(string model, string fingerprint, bool isExact, TaskRunOptions options, int maxLength, IEnumerable<TaskDefinition> tasks, TaskLibrary library)
    {
        var definitions = new JsonObject();
        foreach (TaskDefinition task in tasks)
        {
            definitions[task.Name] = new JsonObject
            {
                ["version"] = task.Version,
                ["templateSha256"] = task.TemplateHash,
                ["shots"] = task.Shots,
                ["data"] = Path.GetFileName(library.FileOf(task)),
                ["dataSha256"] = library.HashOf(task),
            };
        }

        return new JsonObject
        {
            ["model"] = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model))),
            ["modelFingerprint"] = fingerprint,
            ["exact"] = isExact,
            ["harness"] = options.Harness == Harness.Version03 ? "0.3" : "current",
            ["bos"] = options.Bos.ToString().ToLowerInvariant(),
            ["limit"] = options.Limit,
            ["maxLength"] = maxLength,
            ["tasks"] = definitions,
        };
    }

    /// <summary>The scores of all tasks and groups.</summary>
    public static JsonObject Scores(TaskTable table, bool withItems)
    {
        var tasks = new JsonObject();
        foreach (TaskScore score in table.Scores)
        {
            JsonObject row = Metrics(score.Metrics);
            row["documents"] = score.Documents;
            row["truncatedRequests"] = score.TruncatedRequests;
            if (withItems) row["items"] = JsonOutput.Array(score.Answers.Select(Item));
            tasks[score.Definition.Name] = row;
        }

        var groups = new JsonObject();
        foreach (GroupScore group in table.Groups)
        {
            JsonObject row = Metrics(group.Metrics);
            row["documents"] = group.Documents;
            row["tasks"] = group.Group.Members.Count;
            groups[group.Group.Name] = row;
        }

        return new JsonObject { ["results"] = tasks, ["groups"] = groups, ["meanAcc"] = table.MeanAccuracy is double mean ? JsonOutput.Number(mean) : null };
    }

    /// <summary>What each selection asks, hashed.</summary>
    public static JsonObject Fingerprints(IEnumerable<(string Name, RequestFingerprint Fingerprint)> rows)
    {
        var tasks = new JsonObject();
        foreach ((string name, RequestFingerprint fingerprint) in rows)
        {
            tasks[name] = new JsonObject
            {
                ["docs"] = fingerprint.Documents,
                ["requests"] = fingerprint.Requests,
                ["requests_sha256"] = fingerprint.RequestsSha256,
                ["gold_sha256"] = fingerprint.GoldSha256,
            };
        }

        return new JsonObject { ["tasks"] = tasks };
    }

    private static JsonObject Metrics(IEnumerable<MetricValue> metrics)
    {
        var row = new JsonObject();
        foreach (MetricValue metric in metrics)
        {
            row[metric.Name] = JsonOutput.Number(metric.Value);
            row[metric.Name + "_stderr"] = JsonOutput.Number(metric.StandardError);
        }

        return row;
    }

    private static JsonObject Item(ItemAnswer answer)
    {
        var choices = new JsonArray();
        for (int i = 0; i < answer.LogLikelihoods.Count; i++)
        {
            choices.Add((JsonNode)new JsonObject
            {
                ["ll"] = JsonOutput.Number(answer.LogLikelihoods[i]),
                ["greedy"] = answer.IsGreedy[i],
                ["chars"] = answer.Lengths[i],
                ["ctx_tokens"] = answer.ContextTokens[i],
                ["truncated"] = answer.Truncated[i],
            });
        }

        return new JsonObject { ["index"] = answer.Index, ["gold"] = answer.Gold, ["pred"] = answer.Prediction, ["pred_norm"] = answer.NormalizedPrediction, ["choices"] = choices };
    }
}
