using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;

namespace Halfbit.Training;

/// <summary>The file metrics.jsonl: one line per step.</summary>
internal sealed class TrainingLog : IDisposable
{
    /// <summary>Its name.</summary>
    public const string FileName = "metrics.jsonl";

    private readonly StreamWriter writer;

    /// <summary>Opens the file; lines of steps after the state are dropped, they come again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">Updates done.</param>
    public TrainingLog(string path, int step)
    {
        // Killed here, the file still has all lines.
        JsonObject[] kept = File.Exists(path) ? [.. Read(path).Where(line => (int)line["step"]! <= step)] : [];
        AtomicFile.WriteText(path, string.Concat(kept.Select(line => line.ToJsonString() + "\n")));
        writer = new StreamWriter(path, append: true) { NewLine = "\n" };
    }

    /// <summary>The lines of a file; a last one that is cut off is left out.</summary>
    /// <param name="path">The file.</param>
    public static IEnumerable<JsonObject> Read(string path)
    {
        foreach (string line in File.ReadLines(path))
        {
            JsonObject? parsed;
            try
            {
                parsed = JsonNode.Parse(line) as JsonObject;
            }
            catch (JsonException)
            {
                yield break;
            }

            if (parsed?["step"] is null) yield break;
            yield return parsed;
        }
    }

    /// <summary>Adds a line.</summary>
    public void Add(TrainingProgress progress)
    {
        var line = new JsonObject
        {
            ["step"] = progress.Step,
            ["loss"] = Number(progress.Loss),
            ["nll"] = Number(progress.NegativeLogLikelihood),
            ["lr"] = progress.LearningRate,
            ["gradientNorm"] = Number(progress.GradientNorm),
        };
        if (progress.Divergence is double divergence) line["kl"] = Number(divergence);
        if (progress.Perplexity is double perplexity) line["perplexity"] = Number(perplexity);
        line["tokensPerSecond"] = Math.Round(progress.TokensPerSecond, 1);
        writer.WriteLine(line.ToJsonString());
        writer.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();

    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : JsonValue.Create(value.ToString(CultureInfo.InvariantCulture));
}
