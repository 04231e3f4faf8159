using Halfbit.Checkpoints;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Tests.Pipeline;
using Halfbit.Tests.Support;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>A training that was interrupted or killed goes on to the result of one that nothing disturbed.</summary>
public sealed class QatResumeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public QatResumeTests()
    {
        model = ToyCheckpoint.Llama().Write(folder["model"]);
    }

    public void Dispose() => folder.Dispose();

    private QatOptions Options => ToyTraining.Options(folder, model);

    private QatOptions Undisturbed => ToyTraining.Options(folder, model, "expected");

    private string State => folder["out.partial", "job", "state.safetensors"];

    [Theory, InlineData("magnitude"), InlineData("hessian"), InlineData("ir-net"), InlineData("from")]
    public void Interrupted_after_any_step_it_ends_with_the_same_bytes(string form)
    {
        if (form == "from") _ = QuantizationJob.Run(ToyJob.Options(model, folder["start"]));
        QatOptions options = Options with
        {
            Salience = form == "hessian" ? SalienceMetric.Hessian : SalienceMetric.Magnitude,
            CalibrationSamples = 3,
            Binary = form == "ir-net" ? SignGradient.IrNet : null,
            StartFolder = form == "from" ? folder["start"] : null,
        };
        options = options with { Training = options.Training with { SaveSeconds = 1e9 } };
        _ = QatJob.Run(options with { OutputFolder = folder["expected"] });

        // The last one is cancelled in its measurement at the end.
        for (int step = 1; step <= ToyTraining.Steps; step++)
        {
            ToyTraining.RunUntil(options, step);
            var seen = new List<int>();
            _ = QatJob.Run(options with { Resume = true }, p => seen.Add(p.Step));
            Assert.Equal(Enumerable.Range(step + 1, ToyTraining.Steps - step), seen);
            ToyTraining.AssertSame(folder["expected"], folder["out"]);
            Directory.Delete(folder["out"], recursive: true);
        }
    }

    [Fact]
    public void A_model_from_nothing_goes_on_to_the_same_bytes_too()
    {
        var options = new ScratchOptions { ConfigFile = Path.Combine(model, "config.json"), OutputFolder = folder["out"], Training = Options.Training };
        TrainingReport first = ScratchJob.Run(options with { OutputFolder = folder["expected"] });
        for (int step = 1; step <= ToyTraining.Steps; step++)
        {
            using var source = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() => ScratchJob.Run(options, p => Cancel(p, source, step), source.Token));
            TrainingReport report = ScratchJob.Run(options with { Resume = true });
            ToyTraining.AssertSame(folder["expected"], folder["out"]);
            Assert.Equal((first.Perplexity, first.Bytes, 0), (report.Perplexity, report.Bytes, report.TrueBits));
            Directory.Delete(folder["out"], recursive: true);
        }

        static void Cancel(TrainingProgress progress, CancellationTokenSource source, int step)
        {
            if (progress.Step == step) source.Cancel();
        }
    }

    [Theory, InlineData(1e-9), InlineData(1e9)]
    public void Killed_after_any_step_it_ends_with_the_same_bytes(double saveSeconds)
    {
        QatOptions options = Undisturbed with { Training = Undisturbed.Training with { SaveSeconds = saveSeconds } };
        _ = QatJob.Run(options, p => ToyTraining.CopyPartial(folder["expected"], folder[$"killed{p.Step}"]));
        for (int step = 1; step <= ToyTraining.Steps; step++)
        {
            string killed = folder[$"killed{step}"];
            File.AppendAllText(Path.Combine(killed + ".partial", "metrics.jsonl"), """{"step":9,"lo"""); // a line that was being written
            var seen = new List<int>();
            _ = QatJob.Run(options with { OutputFolder = killed, Resume = true }, p => seen.Add(p.Step));
            Assert.Equal(ToyTraining.Steps, seen[^1]);
            Assert.Equal(saveSeconds < 1 ? step : 1, seen[0]); // the state of a step is written after it is reported
            ToyTraining.AssertSame(folder["expected"], killed);
        }
    }

    [Fact]
    public void Killed_before_its_folder_took_its_name_it_does_not_train_again()
    {
        TrainingReport first = QatJob.Run(Undisturbed);
        _ = QatJob.Run(Options);
        foreach (bool hasCurve in (bool[])[true, false])
        {
            Directory.Move(folder["out"], folder["out.partial"]);
            File.WriteAllText(folder["out.partial", ".lock"], "");
            if (!hasCurve) File.Delete(folder["out.partial", "loss.svg"]);
            TrainingReport report = QatJob.Run(Options with { Resume = true }, _ => Assert.Fail("it trained again"));
            ToyTraining.AssertSame(folder["expected"], folder["out"]);
            Assert.Equal((first.Perplexity, first.TrueBits, first.Bytes), (report.Perplexity, report.TrueBits, report.Bytes));
        }
    }

    [Fact]
    public void Resuming_a_finished_job_changes_nothing_and_reports_the_same()
    {
        TrainingReport first = QatJob.Run(Options);
        DateTime written = File.GetLastWriteTimeUtc(folder["out", "halfbit.json"]);
        TrainingReport second = QatJob.Run(Options with { Resume = true }, _ => Assert.Fail("it trained again"));
        Assert.Equal(written, File.GetLastWriteTimeUtc(folder["out", "halfbit.json"]));
        Assert.Equal((first.Perplexity, first.TrueBits, first.Bytes, first.Tokens), (second.Perplexity, second.TrueBits, second.Bytes, second.Tokens));
        Assert.Contains("exists already", Assert.Throws<PipelineException>(() => QatJob.Run(Options with { Resume = true, SalientFraction = 0.3 })).Message, StringComparison.Ordinal);
        Assert.Contains("exists already", Assert.Throws<PipelineException>(() => QatJob.Run(Options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resuming_with_other_options_is_refused_and_says_which()
    {
        ToyTraining.RunUntil(Options, 2);
        string other = ToyCheckpoint.Llama(seed: 77).Write(folder["other"]);
        File.WriteAllText(folder["text2"], ToyCheckpoint.Text(1500, seed: 9));
        TrainingOptions training = Options.Training;
        (QatOptions Options, string Field)[] cases =
        [
            (Options with { SalientFraction = 0.2 }, "options.salient"),
            (Options with { Salience = SalienceMetric.Hessian }, "options.salience"),
            (Options with { TeacherShare = 0.5 }, "options.teacher"),
            (Options with { Temperature = 2 }, "options.temperature"),
            (Options with { Trained = TrainedTensors.All }, "options.train"),
            (Options with { Training = training with { Steps = 5 } }, "training.steps"),
            (Options with { Training = training with { Batch = 3 } }, "training.batch"),
            (Options with { Training = training with { MicroBatch = 1 } }, "training.microBatch"),
            (Options with { Training = training with { SequenceLength = 15 } }, "training.sequenceLength"),
            (Options with { Training = training with { LearningRate = 1e-3 } }, "training.lr"),
            (Options with { Training = training with { WarmUp = 0.5 } }, "training.warmup"),
            (Options with { Training = training with { Floor = 0.1 } }, "training.floor"),
            (Options with { Training = training with { WeightDecay = 0.1 } }, "training.weightDecay"),
            (Options with { Training = training with { Clip = null } }, "training.clip"),
            (Options with { Training = training with { Seed = 1 } }, "training.seed"),
            (Options with { Training = training with { Data = [folder["text2"]] } }, "training.text"),
            (Options with { ModelFolder = other }, "model"),
        ];
        SortedDictionary<string, byte[]> before = FolderBytes.Of(folder["out.partial"]);
        foreach ((QatOptions options, string field) in cases)
        {
            var exception = Assert.Throws<PipelineException>(() => QatJob.Run(options with { Resume = true }));
            Assert.Contains($"'{field}'", exception.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', exception.Message);
            Assert.Equal(before, FolderBytes.Of(folder["out.partial"]));
        }

        _ = QatJob.Run(Undisturbed);
        _ = QatJob.Run(Options with { Resume = true });
        ToyTraining.AssertSame(folder["expected"], folder["out"]);
    }

    [Fact]
    public void Another_calibration_for_the_salience_is_refused()
    {
        QatOptions options = Options with { Salience = SalienceMetric.Hessian, CalibrationSamples = 3 };
        ToyTraining.RunUntil(options, 1);
        foreach ((QatOptions changed, string field) in ((QatOptions, string)[])[(options with { CalibrationSamples = 4 }, "calibration.samples"), (options with { CalibrationFile = folder["text"] }, "calibration.source")])
            Assert.Contains($"'{field}'", Assert.Throws<PipelineException>(() => QatJob.Run(changed with { Resume = true })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("empty")]
    [InlineData("flipped at the start")]
    [InlineData("flipped in the middle")]
    [InlineData("flipped at the end")]
    public void A_damaged_state_is_refused_by_name_and_kept(string damage)
    {
        ToyTraining.RunUntil(Options, 2);
        byte[] bytes = File.ReadAllBytes(State);
        if (damage == "cut") bytes = bytes[..(bytes.Length / 2)];
        else if (damage == "empty") bytes = [];
        else bytes[damage.EndsWith("start", StringComparison.Ordinal) ? 20 : damage.EndsWith("end", StringComparison.Ordinal) ? ^1 : bytes.Length / 2] ^= 0x10;
        File.WriteAllBytes(State, bytes);
        var exception = Assert.Throws<CheckpointException>(() => QatJob.Run(Options with { Resume = true }));
        Assert.Contains("state.safetensors", exception.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(State));
        _ = QatJob.Run(Undisturbed);
        _ = QatJob.Run(Options with { Overwrite = true });
        ToyTraining.AssertSame(folder["expected"], folder["out"]);
    }

    [Fact]
    public void Without_a_state_it_starts_again_to_the_same_bytes()
    {
        _ = QatJob.Run(Undisturbed);
        ToyTraining.RunUntil(Options, 2);
        File.Delete(State);
        _ = QatJob.Run(Options with { Resume = true });
        ToyTraining.AssertSame(folder["expected"], folder["out"]);
        Directory.Delete(folder["out"], recursive: true);
        _ = QatJob.Run(Options with { Resume = true });
        ToyTraining.AssertSame(folder["expected"], folder["out"]);
    }

    [Fact]
    public void A_partial_job_is_not_lost_silently_nor_entered_twice()
    {
        ToyTraining.RunUntil(Options, 1);
        Assert.Contains("--resume", Assert.Throws<PipelineException>(() => QatJob.Run(Options)).Message, StringComparison.Ordinal);
        int tried = 0;
        _ = QatJob.Run(Options with { Resume = true }, _ =>
        {
            tried++;
            Assert.Contains("another job", Assert.Throws<PipelineException>(() => QatJob.Run(Options with { Resume = true })).Message, StringComparison.Ordinal);
        });
        Assert.Equal(ToyTraining.Steps - 1, tried);
    }

    [Fact]
    public void The_record_holds_no_path()
    {
        _ = QatJob.Run(Options);
        Assert.DoesNotContain(folder.Path, File.ReadAllText(folder["out", "halfbit.json"]), StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Path, File.ReadAllText(folder["out", "config.json"]), StringComparison.Ordinal);
    }
}
