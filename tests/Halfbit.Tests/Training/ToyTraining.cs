using System.Text.Json.Nodes;
using Halfbit.Tests.Support;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>Quantization-aware training of toy models: a few short steps.</summary>
internal static class ToyTraining
{
    public const int Steps = 4;
    public const int Length = 16;

    /// <summary>A job on <c>text</c>, with <c>evaluation</c> measured at steps 2 and 4, in a test's folder; both texts are written when they are missing.</summary>
    public static QatOptions Options(TemporaryFolder folder, string model, string output = "out")
    {
        if (!File.Exists(folder["text"])) File.WriteAllText(folder["text"], ToyCheckpoint.Text(1500));
        if (!File.Exists(folder["evaluation"])) File.WriteAllText(folder["evaluation"], ToyCheckpoint.Text(200, seed: 4));
        return new QatOptions
        {
            ModelFolder = model,
            OutputFolder = folder[output],
            Training = new TrainingOptions
            {
                Data = [folder["text"]],
                Steps = Steps,
                LearningRate = 2e-3,
                Batch = 2,
                SequenceLength = Length,
                EvaluationFile = folder["evaluation"],
                EvaluateEvery = 2,
                EvaluationTokens = 64,
                SaveSeconds = 1e-9, // after every step
            },
        };
    }

    /// <summary>Runs a job and cancels it when a step is reported.</summary>
    public static void RunUntil(QatOptions options, int step)
    {
        using var source = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => QatJob.Run(options, progress => Cancel(progress, source, step), source.Token));
        Assert.False(Directory.Exists(options.OutputFolder));
    }

    /// <summary>The lines of a run's metrics without the speed, which no two runs share.</summary>
    public static string Metrics(string folder)
        => string.Concat(File.ReadLines(Path.Combine(folder, "metrics.jsonl")).Select(line =>
        {
            JsonObject json = JsonNode.Parse(line)!.AsObject();
            Assert.True(json.Remove("tokensPerSecond"));
            return json.ToJsonString() + "\n";
        }));

    /// <summary>Fails unless both folders hold the same files with the same bytes, the speed in the metrics apart.</summary>
    public static void AssertSame(string expectedFolder, string actualFolder)
    {
        Assert.Equal(Metrics(expectedFolder), Metrics(actualFolder));
        SortedDictionary<string, byte[]> expected = FolderBytes.Of(expectedFolder), actual = FolderBytes.Of(actualFolder);
        Assert.Equal(expected.Keys, actual.Keys);
        foreach (string name in expected.Keys.Where(n => n != "metrics.jsonl")) Assert.True(expected[name].AsSpan().SequenceEqual(actual[name]), $"{name} differs");
    }

    /// <summary>What a kill would leave now: a copy of the partial folder of a job that runs.</summary>
    public static void CopyPartial(string output, string copy)
    {
        foreach (string path in Directory.EnumerateFiles(output + ".partial", "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy + ".partial", Path.GetRelativePath(output + ".partial", path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (Path.GetFileName(path) == ".lock") File.WriteAllText(target, string.Empty);
            else File.WriteAllBytes(target, ReadShared(path));
        }
    }

    private static void Cancel(TrainingProgress progress, CancellationTokenSource source, int step)
    {
        if (progress.Step == step) source.Cancel();
    }

    /// <summary>A file that another handle may be writing.</summary>
    private static byte[] ReadShared(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
