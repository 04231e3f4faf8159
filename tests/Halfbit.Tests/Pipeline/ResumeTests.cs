using System.Text.Json.Nodes;
using Halfbit.Pipeline;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

/// <summary>A job that was stopped goes on, and its bytes are those of an undisturbed run.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public ResumeTests()
    {
        model = ToyCheckpoint.Llama().Write(folder["model"]);
    }

    private QuantizationJobOptions Undisturbed => ToyJob.Options(model, folder["expected"]);

    private QuantizationJobOptions Options => ToyJob.Options(model, folder["out"]);

    public void Dispose() => folder.Dispose();

    [Theory, InlineData("pb-llm"), InlineData("xnor")]
    public void Stopped_at_any_step_it_goes_on_to_the_same_bytes(string method)
    {
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["expected"], method));
        int steps = 0;
        for (int step = 1; ; step++)
        {
            QuantizationJobOptions options = ToyJob.Options(model, folder["out"], method);
            if (!ToyJob.RunUntil(options, step)) break;
            steps++;
            Assert.False(Directory.Exists(folder["out"]));
            _ = QuantizationJob.Run(options with { Resume = true });
            FolderBytes.AssertEqual(folder["expected"], folder["out"]);
            Assert.False(Directory.Exists(folder["out.partial"]));
            Directory.Delete(folder["out"], recursive: true);
        }

        Assert.True(steps >= (method == "xnor" ? 14 : 25), $"only {steps} steps");
    }

    [Fact]
    public void Stopped_again_and_again_it_still_ends_with_the_same_bytes()
    {
        _ = QuantizationJob.Run(Undisturbed);
        foreach (int steps in (int[])[1, 2, 8, 13, 5, 9, 12]) Assert.True(ToyJob.RunUntil(Options with { Resume = true }, steps), $"{steps} steps were enough");
        _ = QuantizationJob.Run(Options with { Resume = true });
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Fact]
    public void Killed_just_before_its_last_renaming_it_only_renames()
    {
        _ = QuantizationJob.Run(Undisturbed);
        _ = QuantizationJob.Run(Options);
        Directory.Move(folder["out"], folder["out.partial"]);
        File.WriteAllText(folder["out.partial", ".lock"], string.Empty);
        var steps = new List<QuantizationProgress>();
        QuantizationReport report = QuantizationJob.Run(Options with { Resume = true }, steps.Add);
        Assert.Empty(steps);
        Assert.Equal(14, report.Layers.Count);
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Theory]
    [InlineData("model-00003-of-00003.safetensors")]
    [InlineData("model-00002-of-00003.safetensors")]
    [InlineData("model-00001-of-00003.safetensors")]
    [InlineData("job/block-00000.json")]
    [InlineData("job/calibration.bin")]
    [InlineData("job/identity.json")]
    public void A_file_that_is_missing_in_the_partial_folder_is_made_again(string missing)
    {
        _ = QuantizationJob.Run(Undisturbed);
        StopAtLastBlock();
        string path = Path.Combine([folder["out.partial"], .. missing.Split('/')]);
        Assert.True(File.Exists(path), path);
        File.Delete(path);
        _ = QuantizationJob.Run(Options with { Resume = true });
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Fact]
    public void Unfinished_files_of_a_killed_run_do_not_stay()
    {
        _ = QuantizationJob.Run(Undisturbed);
        StopAtLastBlock();
        File.Delete(folder["out.partial", "model-00003-of-00003.safetensors"]);
        File.WriteAllText(folder["out.partial", "model-00003-of-00003.safetensors.writing"], "half of it");
        File.WriteAllText(folder["out.partial", "job", "block-00001.json.writing"], "[");
        _ = QuantizationJob.Run(Options with { Resume = true });
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Theory]
    [InlineData("model-00002-of-00003.safetensors")]
    [InlineData("job/block-00000.json")]
    [InlineData("job/identity.json")]
    public void A_damaged_file_in_the_partial_folder_is_an_error_that_names_it(string damaged)
    {
        StopAtLastBlock();
        string path = Path.Combine([folder["out.partial"], .. damaged.Split('/')]);
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);
        Exception exception = Assert.ThrowsAny<Exception>(() => QuantizationJob.Run(Options with { Resume = true }));
        Assert.Contains(Path.GetFileName(path), exception.Message, StringComparison.Ordinal);
        Assert.True(exception is PipelineException or Halfbit.Checkpoints.CheckpointException, exception.ToString());
    }

    [Fact]
    public void Killed_while_it_cleaned_up_it_still_ends_with_the_same_bytes()
    {
        _ = QuantizationJob.Run(Undisturbed);
        _ = QuantizationJob.Run(Options);
        Directory.Move(folder["out"], folder["out.partial"]);
        File.WriteAllText(folder["out.partial", ".lock"], "");
        _ = QuantizationJob.Run(Options with { Resume = true });
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Fact]
    public void Resuming_a_finished_job_changes_nothing_and_reports_the_same()
    {
        QuantizationReport first = QuantizationJob.Run(Options);
        DateTime written = File.GetLastWriteTimeUtc(folder["out", "halfbit.json"]);
        QuantizationReport second = QuantizationJob.Run(Options with { Resume = true });
        Assert.Equal(written, File.GetLastWriteTimeUtc(folder["out", "halfbit.json"]));
        Assert.Equal(first.TrueBits, second.TrueBits);
        Assert.Equal(first.Layers.Select(l => (l.Name, l.WeightedError)), second.Layers.Select(l => (l.Name, l.WeightedError)));
    }

    [Fact]
    public void Resuming_without_a_partial_job_starts_one()
    {
        _ = QuantizationJob.Run(Undisturbed);
        _ = QuantizationJob.Run(Options with { Resume = true });
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Fact]
    public void Resuming_with_other_options_is_refused_and_says_which()
    {
        StopAtLastBlock();
        string other = ToyCheckpoint.Llama(seed: 77).Write(folder["other"]);
        File.WriteAllText(folder["text"], ToyCheckpoint.Text(400));
        (QuantizationJobOptions Options, string Field)[] cases =
        [
            (ToyJob.Options(model, folder["out"], "pb-llm", ("salient", "0.3")), "options.low-frac"),
            (ToyJob.Options(model, folder["out"], "gptq"), "method"),
            (Options with { Seed = 1 }, "calibration.seed"),
            (Options with { Samples = ToyJob.Samples + 1 }, "calibration.samples"),
            (Options with { SequenceLength = 23 }, "calibration.sequenceLength"),
            (Options with { CalibrationFile = folder["text"] }, "calibration.source"),
            (Options with { ModelFolder = other }, "model"),
        ];
        SortedDictionary<string, byte[]> before = FolderBytes.Of(folder["out.partial"]);
        foreach ((QuantizationJobOptions options, string field) in cases)
        {
            var exception = Assert.Throws<PipelineException>(() => QuantizationJob.Run(options with { Resume = true }));
            Assert.Contains($"'{field}'", exception.Message, StringComparison.Ordinal);
            Assert.Equal(before.Keys, FolderBytes.Of(folder["out.partial"]).Keys);
        }

        _ = QuantizationJob.Run(Undisturbed);
        _ = QuantizationJob.Run(Options with { Resume = true });
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Fact]
    public void The_record_holds_nothing_that_differs_between_runs()
    {
        _ = QuantizationJob.Run(Options);
        string record = File.ReadAllText(folder["out", "halfbit.json"]);
        Assert.DoesNotContain("seconds", record, StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Path, record, StringComparison.Ordinal);
        Assert.Equal("generated by the original model", (string)JsonNode.Parse(record)!["job"]!["calibration"]!["source"]!);
    }

    /// <summary>Leaves a partial job in which both blocks are stored and only the records are missing.</summary>
    private void StopAtLastBlock()
    {
        Assert.Throws<IOException>(() => QuantizationJob.Run(Options, step =>
        {
            if (step.Stage == QuantizationStage.Block && step.Done == step.Total) throw new IOException("the power fails");
        }));
        Assert.True(File.Exists(folder["out.partial", "model-00003-of-00003.safetensors"]));
    }
}
