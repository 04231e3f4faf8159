using System.Diagnostics;
using System.Text.Json.Nodes;
using Halfbit.Tests.Evaluation.Tasks;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Cli;

/// <summary>Zero-shot tasks from the command line.</summary>
public sealed class TaskCommandTests : IClassFixture<CliFixture>, IDisposable
{
    private readonly CliFixture files;
    private readonly TaskFolder tasks = new();

    public TaskCommandTests(CliFixture files)
    {
        this.files = files;
        tasks.Write("own.json", """{"data":"own.jsonl","context":"{q}:","choices":["{a}","{b}"],"gold":"{g}"}""");
        tasks.Write("own.jsonl", [.. Enumerable.Range(0, 30).Select(i => Row(ToyCheckpoint.Text(5 + (i % 9), i / 2), i % 2))]);
        tasks.Write("lambada_openai.jsonl", [.. Enumerable.Range(0, 5).Select(i => new JsonObject { ["text"] = $"ab {ToyCheckpoint.Text(6, i).Replace(' ', 'x')}" }.ToJsonString())]);
        tasks.Write("mmlu_test.jsonl", [.. Halfbit.Evaluation.TaskCatalog.Select(["mmlu_stem"], tasks.Path, 0, Halfbit.Evaluation.Harness.Current)[0].Tasks.SelectMany((t, i) => Enumerable.Repeat(MmluRow(t.Name["mmlu_".Length..], i), 2))]);
    }

    public void Dispose() => tasks.Dispose();

    [Fact]
    public void The_table_has_a_row_for_each_task_and_group()
    {
        CommandResult result = Eval(files.Model, "--tasks", "own,lambada_openai", "mmlu_stem", "--max-length", "40");
        Assert.True(result.ExitCode == 0, result.Error);
        string[] lines = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        Assert.Equal(["task", "own", "lambada_openai", "mmlu_stem", "mean of acc"], lines[..5].Select(l => l.StartsWith("mean of", StringComparison.Ordinal) ? "mean of acc" : l.Split(' ')[0]));
        Assert.Matches(@"^own +30 +0\.\d{4} ± 0\.\d{4} +0\.\d{4} ± 0\.\d{4} +-$", lines[1]);
        Assert.Matches(@"^lambada_openai +5 +0\.\d{4} ± 0\.\d{4} +- +\d+\.\d\d ± \d+\.\d\d$", lines[2]);
        Assert.Matches(@"^mmlu_stem +38 +0\.\d{4} ± 0\.\d{4} +- +-$", lines[3]);
        Assert.Matches(@"^\d+ requests were longer than the model's context and lost their beginning$", Assert.Single(lines[5..]));
    }

    [Fact]
    public void Results_hold_what_is_needed_to_repeat_the_run()
    {
        string output = files["results.json"];
        JsonNode printed = Eval(files.Packed, "--tasks", "own", "mmlu_stem", "--limit", "20", "--bos", "on", "--exact", "--items", "--output", output, "--max-length", "50", "--json").Json;
        JsonNode stored = JsonNode.Parse(File.ReadAllText(output))!;
        Assert.True(JsonNode.DeepEquals(printed, stored));
        JsonNode options = stored["options"]!;
        Assert.Equal(("packed", true, "current", "on", 20, 50), ((string)options["model"]!, (bool)options["exact"]!, (string)options["harness"]!, (string)options["bos"]!, (int)options["limit"]!, (int)options["maxLength"]!));
        Assert.Matches("^[0-9a-f]{64}$", (string)options["modelFingerprint"]!);
        Assert.Equal(20, options["tasks"]!.AsObject().Count);
        JsonNode own = options["tasks"]!["own"]!;
        Assert.Equal(("1", 0, "own.jsonl"), ((string)own["version"]!, (int)own["shots"]!, (string)own["data"]!));
        Assert.Matches("^[0-9a-f]{64}$", (string)own["templateSha256"]!);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(tasks["own.jsonl"]))), (string)own["dataSha256"]!);
        Assert.True((bool)stored["addsBos"]!);

        JsonNode result = stored["zeroShot"]!["results"]!["own"]!;
        Assert.Equal((20, 0), ((int)result["documents"]!, (int)result["truncatedRequests"]!));
        JsonArray items = result["items"]!.AsArray();
        Assert.Equal(20, items.Count);
        Assert.Equal((double)result["acc"]!, items.Count(i => (int)i!["pred"]! == (int)i["gold"]!) / 20.0, 1e-12);
        Assert.Equal((double)result["acc_norm"]!, items.Count(i => (int)i!["pred_norm"]! == (int)i["gold"]!) / 20.0, 1e-12);
        Assert.All(items, i => Assert.All(i!["choices"]!.AsArray(), c => Assert.True((double)c!["ll"]! < 0)));
        JsonNode group = stored["zeroShot"]!["groups"]!["mmlu_stem"]!;
        Assert.Equal((38, 19), ((int)group["documents"]!, (int)group["tasks"]!));
        Assert.Equal(((double)result["acc"]! + (double)group["acc"]!) / 2, (double)stored["zeroShot"]!["meanAcc"]!, 1e-12);

        // Another place of the same data and model is the same run; rounded activations are not.
        Assert.Contains("go on with --resume, or replace them with --overwrite", Eval(files.Packed, "--tasks", "own", "--output", output).Failure(1), StringComparison.Ordinal);
        string rounded = Eval(files.Packed, "--tasks", "own", "mmlu_stem", "--limit", "20", "--bos", "on", "--max-length", "50", "--output", output, "--resume").Failure(1);
        Assert.Contains("the earlier run had exact true, this one has false", rounded, StringComparison.Ordinal);
        Assert.Equal(0, Eval(files.Packed, "--tasks", "own", "--output", output, "--overwrite").ExitCode);
    }

    [Fact]
    public void Both_kinds_of_measurement_fit_into_one_run()
    {
        JsonNode report = Eval(files.Model, "--perplexity", files.Text, "--window", "32", "--tasks", "own", "--json").Json;
        Assert.True((double)report["perplexity"]![0]!["value"]! > 1);
        Assert.Equal(30, (int)report["zeroShot"]!["results"]!["own"]!["documents"]!);
        Assert.Null(report["zeroShot"]!["results"]!["own"]!["items"]);
    }

    [Fact]
    public void Requests_are_hashed_without_a_model()
    {
        JsonNode hashes = Eval(null, "--tasks", "own", "mmlu_stem", "--requests-only", "--json").Json["tasks"]!;
        Assert.Equal((30, 60), ((int)hashes["own"]!["docs"]!, (int)hashes["own"]!["requests"]!));
        Assert.Equal((38, 152), ((int)hashes["mmlu_stem"]!["docs"]!, (int)hashes["mmlu_stem"]!["requests"]!));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("0\n1\n", 15))))), (string)hashes["own"]!["gold_sha256"]!);
        JsonNode some = Eval("/no/such/model", "--tasks", "own", "--limit", "3", "--requests-only", "--json").Json["tasks"]!;
        Assert.NotEqual((string)hashes["own"]!["requests_sha256"]!, (string)some["own"]!["requests_sha256"]!);
        Assert.StartsWith("own: 30 documents, 60 requests, sha256 " + (string)hashes["own"]!["requests_sha256"]!, Eval(null, "--tasks", "own", "--requests-only").Output, StringComparison.Ordinal);
    }

    [UnixFact]
    public void Stopped_by_Ctrl_C_it_keeps_its_answers_and_goes_on_to_the_same_numbers()
    {
        tasks.Write("own.jsonl", [.. Enumerable.Range(0, 9000).Select(i => Row(ToyCheckpoint.Text(40, i), i % 2))]);
        string[] Arguments(string output, params string[] more) => ["eval", files.Model, "--tasks", "own", "--tasks-dir", tasks.Path, "--output", files[output], .. more];
        JsonNode whole = CommandLine.Run(Arguments("whole.json", "--json")).Json;
        using Process process = CommandLine.Start(Arguments("stopped.json"));
        string answers = files["stopped.items.jsonl"];
        while (!process.HasExited && (!File.Exists(answers) || new FileInfo(answers).Length < 2000)) Thread.Sleep(1);
        using (Process interrupt = Process.Start("kill", ["-INT", $"{process.Id}"])) interrupt.WaitForExit();
        Assert.Contains("--resume", CommandLine.Finish(process).Failure(130), StringComparison.Ordinal);
        Assert.False(File.Exists(files["stopped.json"]));
        int kept = File.ReadAllLines(answers).Length - 1;
        Assert.InRange(kept, 1, 8999);
        CommandResult resumed = CommandLine.Run(Arguments("stopped.json", "--resume", "--json", "--threads", "1"));
        Assert.Contains($"{kept} documents are answered already", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(whole["zeroShot"]!.ToJsonString(), resumed.Json["zeroShot"]!.ToJsonString());
        Assert.Equal(File.ReadAllBytes(files["whole.items.jsonl"]), File.ReadAllBytes(answers));
    }

    [UnixFact]
    public void When_files_cannot_grow_it_fails_cleanly_and_can_go_on()
    {
        tasks.Write("own.jsonl", [.. Enumerable.Range(0, 300).Select(i => Row(ToyCheckpoint.Text(10, i), i % 2))]);
        string[] arguments = ["eval", files.Model, "--tasks", "own", "--tasks-dir", tasks.Path, "--output", files["full.json"], "--resume"];
        Assert.Contains("full.items.jsonl: answers cannot be written", CommandLine.RunInShell("export DOTNET_EnableWriteXorExecute=0; ulimit -f 8", arguments).Failure(1), StringComparison.Ordinal);
        Assert.False(File.Exists(files["full.json"]));
        Assert.Equal(300, (int)CommandLine.Run([.. arguments, "--json"]).Json["zeroShot"]!["results"]!["own"]!["documents"]!);
        Assert.Equal(301, File.ReadAllLines(files["full.items.jsonl"]).Length);
    }

    [Theory]
    [InlineData("", "own.jsonl: the file is empty")]
    [InlineData("""{"q":"a","a":"x","g":0}""", "own.jsonl, line 1: field 'b' is missing; the row has q, a, g; the task is defined in ")]
    [InlineData("""{"q":"a","a":"x","b":"y","g":7}""", "own.jsonl, line 1: the right answer is '7' ({g}), expected the index of a choice, 0 to 1")]
    [InlineData("{", "own.jsonl, line 1: not valid JSON")]
    public void Bad_rows_end_with_1_and_leave_nothing(string row, string expected)
    {
        tasks.Write("own.jsonl", row);
        string output = files["bad.json"];
        Assert.Contains(expected, Eval(files.Model, "--tasks", "own", "--output", output).Failure(1), StringComparison.Ordinal);
        Assert.False(File.Exists(output) || File.Exists(files["bad.items.jsonl"]));
    }

    [Fact]
    public void Texts_longer_than_the_model_are_cut_at_their_left_and_choices_never()
    {
        tasks.Write("own.jsonl", Row(new string('a', 500), 0));
        JsonNode result = Eval(files.Model, "--tasks", "own", "--json").Json["zeroShot"]!["results"]!["own"]!;
        Assert.Equal(2, (int)result["truncatedRequests"]!);
        tasks.Write("own.jsonl", Row("qq", 0).Replace("\"x", $"\"{new string('x', 500)}", StringComparison.Ordinal));
        Assert.Contains("task 'own', document 0: a continuation has 50", Eval(files.Model, "--tasks", "own").Failure(1), StringComparison.Ordinal);
        Assert.Contains("--max-length", Eval(ToyCheckpoint.Opt().Write(files["opt"]), "--tasks", "own", "--max-length", "65").Failure(1), StringComparison.Ordinal);
    }

    [Fact]
    public void Compare_has_a_column_for_each_task()
    {
        string page = files["tasks.html"];
        string[] arguments = ["compare", files.Model, "--methods", "rtn,xnor", "--perplexity", files.Text, "--window", "32", "--tasks", "own,mmlu_stem,lambada_openai", "--tasks-dir", tasks.Path];
        JsonNode report = CommandLine.Run([.. arguments, "--report", page, "--json"]).Json;
        JsonArray rows = report["results"]!.AsArray();
        Assert.Equal(3, rows.Count);
        JsonNode alone = Eval(files.Model, "--tasks", "own", "mmlu_stem", "lambada_openai", "--json").Json["zeroShot"]!;
        Assert.Equal(alone.ToJsonString(), rows[0]!["zeroShot"]!.ToJsonString());
        Assert.NotEqual(alone.ToJsonString(), rows[2]!["zeroShot"]!.ToJsonString());
        string text = File.ReadAllText(page);
        foreach (string heading in (string[])["own, acc", "own, acc_norm", "mmlu_stem, acc", "lambada_openai, perplexity", "mean of acc"]) Assert.Contains($">{heading}<", text, StringComparison.Ordinal);
        Assert.Contains("conventions of lm-evaluation-harness current", text, StringComparison.Ordinal);
        Assert.Contains(((double)alone["results"]!["own"]!["acc"]!).ToString("F4", System.Globalization.CultureInfo.InvariantCulture), text, StringComparison.Ordinal);

        string[] lines = CommandLine.Run(arguments).Output.Split('\n');
        Assert.Equal(2, lines.Count(l => l.StartsWith("xnor ", StringComparison.Ordinal))); // perplexity and accuracies
    }

    private CommandResult Eval(string? model, params string[] arguments) => CommandLine.Run(["eval", .. model is null ? Array.Empty<string>() : [model], .. arguments, "--tasks-dir", tasks.Path]);

    private static string Row(string question, int gold) => new JsonObject { ["q"] = question, ["a"] = "x" + question[^2..], ["b"] = "yz", ["g"] = gold }.ToJsonString();

    private static string MmluRow(string subject, int answer)
        => new JsonObject { ["question"] = "q" + subject, ["subject"] = subject, ["choices"] = new JsonArray("a", "b", "c", "d"), ["answer"] = answer % 4 }.ToJsonString();
}
