using System.Diagnostics;
using Halfbit.Tests.Support;
using Halfbit.Tests.Training;
using Halfbit.Training;

namespace Halfbit.Tests.Cli;

/// <summary>halfbit qat and halfbit train from the command line: exit codes, messages, interruptions, full disks.</summary>
public sealed class QatCommandTests(CliFixture files) : IClassFixture<CliFixture>
{
    private const string Small = " --data TEXT --steps 3 --batch 2 --seq-len 16";

    [Theory]
    [InlineData("qat MODEL -o OUT --steps 3", "--data")]
    [InlineData("qat MODEL -o OUT --data TEXT", "--steps")]
    [InlineData("qat MODEL -o OUT --data TEXT --steps 0", "--steps")]
    [InlineData("qat MODEL -o OUT --salience size" + Small, "size")]
    [InlineData("qat MODEL -o OUT --train some" + Small, "some")]
    [InlineData("qat MODEL -o OUT --salient 1.5" + Small, "--salient is 1.5, expected a share")]
    [InlineData("qat MODEL -o OUT --teacher -1" + Small, "--teacher is -1")]
    [InlineData("qat MODEL -o OUT --lr NaN" + Small, "--lr is NaN")]
    [InlineData("qat MODEL -o OUT --micro-batch 3" + Small, "--micro-batch is 3, expected 1 to --batch (2)")]
    [InlineData("qat MODEL -o OUT --save-seconds 0" + Small, "--save-seconds")]
    [InlineData("qat MODEL -o OUT --threads 0" + Small, "--threads")]
    [InlineData("train -o OUT" + Small, "--config")]
    [InlineData("train --config MODEL/config.json -o OUT --clip 0" + Small, "--clip is 0")]
    public void Wrong_usage_ends_with_2(string line, string named)
    {
        Assert.Contains(named, Run(line).Failure(2), StringComparison.Ordinal);
        Assert.False(Directory.Exists(files["out"]) || Directory.Exists(files["out.partial"]));
    }

    [Theory]
    [InlineData("qat /no/such/folder -o OUT" + Small, "/no/such/folder")]
    [InlineData("qat MODEL -o OUT --data /no/such/text --steps 3 --seq-len 16", "/no/such/text")]
    [InlineData("qat MODEL -o OUT --data TEXT --steps 3 --seq-len 65", "--seq-len is 65")]
    [InlineData("qat MODEL -o OUT --data TEXT --steps 3 --batch 99", "a batch of 99 sequences of 64 needs")]
    [InlineData("qat MODEL -o PACKED" + Small, "exists already")]
    [InlineData("qat MODEL -o MODEL --overwrite" + Small, "the model")]
    [InlineData("qat PACKED -o OUT" + Small, "quantized already")]
    [InlineData("train --config PACKED/config.json -o OUT" + Small, "quantization_config")]
    [InlineData("train --config /no/such/config.json -o OUT" + Small, "/no/such/config.json")]
    public void Failures_end_with_1(string line, string named)
    {
        Assert.Contains(named, Run(line).Failure(1), StringComparison.Ordinal);
        Assert.False(Directory.Exists(files["out"]) || Directory.Exists(files["out.partial"]));
    }

    [Fact]
    public void A_learning_rate_that_diverges_ends_with_1_and_keeps_the_state()
    {
        string message = Run("qat MODEL -o DIVERGED --lr 1000 --data TEXT --steps 30 --batch 2 --seq-len 16").Failure(1);
        Assert.Contains("training diverged at step ", message, StringComparison.Ordinal);
        Assert.Contains("--lr than 1000", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(files["diverged"]));
        Assert.True(File.Exists(files["diverged.partial", "job", "state.safetensors"]));
    }

    [Fact]
    public void The_report_for_programs_has_the_perplexity_of_eval()
    {
        var report = Run("qat MODEL -o REPORTED --json --eval TEXT" + Small).Json;
        Assert.Equal((3, 3 * 2 * 16), ((int)report["steps"]!, (int)report["tokens"]!));
        Assert.Equal(14, report["layers"]!.AsArray().Count);
        var measured = CommandLine.Run("eval", files["reported"], "--perplexity", files.Text, "--window", "16", "--json").Json;
        Assert.Contains(measured.ToJsonString().Split('"', ',', ':', '}'), part => part == report["perplexity"]!.ToJsonString());
        CommandResult again = Run("qat MODEL -o REPORTED --resume --eval TEXT" + Small);
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("PB-LLM trained for 3 steps", again.Output, StringComparison.Ordinal);
    }

    [Theory, InlineData("qat --help"), InlineData("train --help")]
    public void Help_shows_an_example(string line) => Assert.Contains("Example:", Run(line).Output, StringComparison.Ordinal);

    [UnixFact]
    public void Ctrl_C_ends_with_130_and_the_state_goes_on_to_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        QatOptions options = Long(folder);
        string[] arguments = ["qat", files.Model, "-o", folder["out"], .. Arguments(options)];
        using Process process = CommandLine.Start(arguments);
        while (process.StandardError.ReadLine() is string line && !line.Contains("perplexity", StringComparison.Ordinal))
        {
        }

        using (Process interrupt = Process.Start("kill", ["-INT", $"{process.Id}"])) interrupt.WaitForExit();
        CommandResult result = CommandLine.Finish(process);
        Assert.Contains("--resume", result.Failure(130), StringComparison.Ordinal);
        Assert.Contains(folder["out"] + ".partial", result.Error, StringComparison.Ordinal);
        Assert.Contains("the state is being saved", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
        Assert.Equal(["identity.json", "state.safetensors"], Directory.GetFiles(folder["out.partial", "job"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        int done = File.ReadAllLines(folder["out.partial", "metrics.jsonl"]).Length;
        Assert.InRange(done, 1, options.Training.Steps - 1);

        CommandResult resumed = CommandLine.Run([.. arguments, "--resume"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        _ = QatJob.Run(options);
        ToyTraining.AssertSame(options.OutputFolder, folder["out"]);
    }

    [UnixFact]
    public void When_the_state_cannot_grow_it_fails_cleanly_and_can_go_on()
    {
        using var folder = new TemporaryFolder();
        QatOptions options = ToyTraining.Options(folder, files.Model, "expected");
        string[] arguments = ["qat", files.Model, "-o", folder["out"], .. Arguments(options)];
        const string Limit = "export DOTNET_EnableWriteXorExecute=0; ulimit -f 100"; // KiB; the state has more

        // At the start nothing is kept: the folder goes.
        Assert.Contains(folder["out"], CommandLine.RunInShell(Limit, arguments).Failure(1), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]) || Directory.Exists(folder["out.partial"]));

        // Later the last complete state is kept.
        ToyTraining.RunUntil(options with { OutputFolder = folder["out"] }, 2);
        byte[] state = File.ReadAllBytes(folder["out.partial", "job", "state.safetensors"]);
        Assert.Contains("state.safetensors", CommandLine.RunInShell(Limit, [.. arguments, "--resume"]).Failure(1), StringComparison.Ordinal);
        Assert.Equal(state, File.ReadAllBytes(folder["out.partial", "job", "state.safetensors"]));
        Assert.Empty(Directory.GetFiles(folder["out.partial"], "*.writing", SearchOption.AllDirectories));
        Assert.False(Directory.Exists(folder["out"]));
        CommandResult resumed = CommandLine.Run([.. arguments, "--resume"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        _ = QatJob.Run(options);
        ToyTraining.AssertSame(options.OutputFolder, folder["out"]);
    }

    /// <summary>A job of some seconds.</summary>
    private QatOptions Long(TemporaryFolder folder)
    {
        QatOptions options = ToyTraining.Options(folder, files.Model, "expected");
        return options with { Training = options.Training with { Steps = 150, Batch = 40, MicroBatch = 5, SequenceLength = 32, EvaluateEvery = 1, SaveSeconds = 1000 } };
    }

    private static string[] Arguments(QatOptions options)
    {
        TrainingOptions training = options.Training;
        string[] micro = training.MicroBatch is int sequences ? ["--micro-batch", $"{sequences}"] : [];
        return
        [
            "--data", .. training.Data, "--steps", $"{training.Steps}", "--lr", FormattableString.Invariant($"{training.LearningRate}"), "--batch", $"{training.Batch}", "--seq-len", $"{training.SequenceLength}",
            "--eval", training.EvaluationFile!, "--eval-every", $"{training.EvaluateEvery}", "--eval-tokens", $"{training.EvaluationTokens}", "--save-seconds", FormattableString.Invariant($"{training.SaveSeconds}"), .. micro,
        ];
    }

    private CommandResult Run(string line)
        => CommandLine.Run([.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word switch
        {
            "MODEL" => files.Model,
            "MODEL/config.json" => Path.Combine(files.Model, "config.json"),
            "PACKED" => files.Packed,
            "PACKED/config.json" => Path.Combine(files.Packed, "config.json"),
            "TEXT" => files.Text,
            "OUT" => files["out"],
            "DIVERGED" => files["diverged"],
            "REPORTED" => files["reported"],
            _ => word,
        })]);
}
