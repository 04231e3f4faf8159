using System.Text.Json;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Tests.Evaluation.Tasks;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Evaluation.Scoring;

public sealed class TaskRunTests
{
    [SharedTheory]
    [InlineData("boolq", "bos", BosRule.Auto)]
    [InlineData("boolq", "nobos", BosRule.Off)]
    [InlineData("piqa", "bos", BosRule.On)]
    [InlineData("piqa", "nobos", BosRule.Off)]
    [InlineData("hellaswag", "bos", BosRule.Auto)]
    [InlineData("hellaswag", "nobos", BosRule.Off)]
    [InlineData("winogrande", "bos", BosRule.Auto)]
    [InlineData("winogrande", "nobos", BosRule.Off)]
    [InlineData("arc_easy", "bos", BosRule.Auto)]
    [InlineData("arc_easy", "nobos", BosRule.Off)]
    [InlineData("rte", "bos", BosRule.Auto)]
    [InlineData("rte", "nobos", BosRule.Off)]
    [InlineData("lambada_openai", "bos", BosRule.Auto)]
    [InlineData("lambada_openai", "nobos", BosRule.Off)]
    public void Answers_and_scores_equal_the_reference(string name, string field, BosRule bos)
    {
        string folder = TestData.SharedPath("models", "opt-6m");
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.SharedPath("reference", "zero-shot", $"opt-6m-{name}.json")));
        JsonElement expected = reference.RootElement.GetProperty(field);
        var library = new TaskLibrary(TestData.SharedPath("tasks"));
        var run = new TaskRun(Decoder.Open(checkpoint), Tokenizer.Load(folder), library, new TaskRunOptions { Bos = bos, Limit = expected.GetProperty("n").GetInt32() });
        Assert.Equal(field == "bos", run.AddsBos);
        TaskScore score = Assert.Single(run.Run(TaskCatalog.Select([name], library.Folder, 0, Harness.Current).SelectMany(s => s.Tasks).ToList()));
        JsonElement[] items = [.. expected.GetProperty("items").EnumerateArray()];
        Assert.Equal(40, items.Length);
        Assert.Equal(items.Length, score.Documents);
        foreach ((JsonElement item, ItemAnswer answer) in items.Zip(score.Answers))
        {
            Assert.Equal((item.GetProperty("index").GetInt32(), item.GetProperty("gold").GetInt32()), (answer.Index, answer.Gold));
            Assert.Equal(item.GetProperty("chars").Deserialize<int[]>(), answer.Lengths);
            JsonElement[] choices = [.. item.GetProperty("choices").EnumerateArray()];
            Assert.Equal(choices.Select(c => c.GetProperty("greedy").GetBoolean()), answer.IsGreedy);
            Assert.Equal(choices.Select(c => c.GetProperty("ctx_tokens").GetInt32()), answer.ContextTokens);
            Assert.Equal(choices.Select(c => c.GetProperty("truncated").GetInt32()), answer.Truncated);
            foreach ((JsonElement choice, double actual) in choices.Zip(answer.LogLikelihoods))
                Assert.True(Math.Abs(choice.GetProperty("ll").GetDouble() - actual) <= 1e-3, $"item {answer.Index}: expected {choice.GetProperty("ll").GetDouble()}, actual {actual}");
            if (item.TryGetProperty("pred", out JsonElement prediction)) Assert.Equal(prediction.GetInt32(), answer.Prediction);
            if (item.TryGetProperty("pred_norm", out prediction)) Assert.Equal(prediction.GetInt32(), answer.NormalizedPrediction);
        }

        foreach (MetricValue metric in score.Metrics)
        {
            double value = expected.GetProperty(metric.Name).GetDouble();
            Assert.Equal(value, metric.Value, metric.Name == "perplexity" ? 1e-4 * value : 1e-12);
            if (expected.TryGetProperty(metric.Name + "_stderr", out JsonElement error)) Assert.Equal(error.GetDouble(), metric.StandardError, 1e-12);
        }
    }

    [Fact]
    public void Company_threads_and_a_stop_change_no_bit()
    {
        using var toy = new ToyRun();
        IReadOnlyList<ItemAnswer> expected = toy.Run();
        int threads = RowParallel.Threads;
        try
        {
            foreach (int count in (int[])[1, 2, 3])
            {
                RowParallel.Threads = count;
                AssertSame(expected, toy.Run());
                AssertSame(expected.Take(7), toy.Run(new TaskRunOptions { Limit = 7 }));
            }
        }
        finally
        {
            RowParallel.Threads = threads;
        }

        string file = toy.Folder["answers.jsonl"];
        using (AnswerLog log = AnswerLog.Open(file, [], resumes: false, overwrites: false)) AssertSame(expected, toy.Run(log: log));
        string[] lines = File.ReadAllLines(file);
        Assert.Equal(1 + expected.Count, lines.Length);
        File.WriteAllLines(file, lines.Take(12));
        var steps = new List<TaskRunProgress>();
        using (AnswerLog log = AnswerLog.Open(file, [], resumes: true, overwrites: false)) AssertSame(expected, toy.Run(log: log, progress: steps.Add));
        Assert.Equal(lines, File.ReadAllLines(file));
        Assert.Equal(("own", expected.Count, expected.Count, 1), (steps[^1].TaskName, steps[^1].Documents, steps[^1].AllDocuments, steps[^1].Share));
        Assert.True(steps[0].Documents > 11);
        using (AnswerLog log = AnswerLog.Open(file, [], resumes: true, overwrites: false)) AssertSame(expected, toy.Run(log: log, progress: _ => Assert.Fail("nothing was left to do")));
    }

    [Fact]
    public void Data_are_checked_before_the_model_starts()
    {
        using var toy = new ToyRun();
        toy.Folder.Write("bad.json", """{"data":"bad.jsonl","context":"c","choices":["{a}"],"gold":"0"}""");
        toy.Folder.Write("bad.jsonl", """{"a":"x"}""", """{"b":"x"}""");
        Assert.Contains("bad.jsonl, line 2", Assert.Throws<TaskException>(() => toy.Run(names: ["own", "bad"], progress: _ => Assert.Fail("the model has started"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_requests_are_truncated_and_counted_and_impossible_ones_refused()
    {
        using var toy = new ToyRun();
        Assert.Equal(0, toy.Run().Sum(a => a.Truncated.Sum()));
        IReadOnlyList<ItemAnswer> answers = toy.Run(new TaskRunOptions { MaxLength = 12 });
        Assert.All(answers, a => Assert.All(a.ContextTokens.Zip(a.Truncated), p => Assert.True(p.Second == 0 || p.Second < p.First)));
        Assert.Contains(answers, a => a.Truncated[0] > 0);
        string message = Assert.Throws<TaskException>(() => toy.Run(new TaskRunOptions { MaxLength = 3 })).Message;
        Assert.Contains("task 'own', document 0: a continuation has", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_run_stops()
    {
        using var toy = new ToyRun();
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => toy.Run(cancellation: source.Token));
    }

    [SharedFact]
    public void The_old_harness_takes_other_documents_and_no_BOS()
    {
        string folder = TestData.SharedPath("models", "opt-6m");
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        Decoder decoder = Decoder.Open(checkpoint);
        var library = new TaskLibrary(TestData.SharedPath("tasks"));
        TaskDefinition[] tasks = [TaskCatalog.Select(["winogrande"], library.Folder, 0, Harness.Version03)[0].Tasks[0]];
        TaskScore old = new TaskRun(decoder, Tokenizer.Load(folder), library, new TaskRunOptions { Harness = Harness.Version03, Limit = 5 }).Run(tasks)[0];
        Assert.NotEqual([0, 1, 2, 3, 4], old.Answers.Select(a => a.Index));
        TaskScore plain = new TaskRun(decoder, Tokenizer.Load(folder), library, new TaskRunOptions { Bos = BosRule.Off }).Run(tasks)[0];
        AssertSame(old.Answers, old.Answers.Select(a => plain.Answers[a.Index])); // byte-level BPE: encoding apart or together is the same here
    }

    private static void AssertSame(IEnumerable<ItemAnswer> expected, IEnumerable<ItemAnswer> actual)
        => Assert.Equal(expected.Select(a => (a.Index, string.Join(' ', a.LogLikelihoods), string.Join(' ', a.IsGreedy))), actual.Select(a => (a.Index, string.Join(' ', a.LogLikelihoods), string.Join(' ', a.IsGreedy))));

    /// <summary>A toy model with a task of 40 rows.</summary>
    private sealed class ToyRun : IDisposable
    {
        private readonly Checkpoint checkpoint;
        private readonly Decoder decoder;
        private readonly Tokenizer tokenizer;

        public ToyRun()
        {
            string model = ToyCheckpoint.Llama().Write(Folder["model"]);
            checkpoint = Checkpoint.Open(model);
            decoder = Decoder.Open(checkpoint);
            tokenizer = Tokenizer.Load(model);
            Folder.Write("own.json", """{"data":"own.jsonl","context":"{q}:","choices":["{a}","{b}","{a}{b}"],"gold":"{g}"}""");
            Folder.Write("own.jsonl", [.. Enumerable.Range(0, 40).Select(i => new JsonObject { ["q"] = ToyCheckpoint.Text(5 + (i % 9), i / 3), ["a"] = $"{ToyCheckpoint.Text(3, i)}a", ["b"] = $"{ToyCheckpoint.Text(4, i)}b", ["g"] = i % 3 }.ToJsonString())]);
        }

        public TaskFolder Folder { get; } = new();

        public IReadOnlyList<ItemAnswer> Run(TaskRunOptions? options = null, AnswerLog? log = null, Action<TaskRunProgress>? progress = null, string[]? names = null, CancellationToken cancellation = default)
        {
            List<TaskDefinition> tasks = [.. TaskCatalog.Select(names ?? ["own"], Folder.Path, 0, Harness.Current).SelectMany(s => s.Tasks)];
            return new TaskRun(decoder, tokenizer, Folder.Library, options ?? new TaskRunOptions(), log).Run(tasks, progress, cancellation)[0].Answers;
        }

        public void Dispose()
        {
            checkpoint.Dispose();
            Folder.Dispose();
        }
    }
}
