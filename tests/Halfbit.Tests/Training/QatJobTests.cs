using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Kernels;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>What a quantization-aware training writes is what it trained.</summary>
public sealed class QatJobTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory, InlineData("llama"), InlineData("opt")]
    public void The_written_model_has_the_perplexity_of_the_report(string architecture)
    {
        QatOptions options = ToyTraining.Options(folder, Model(architecture));
        TrainingReport report = QatJob.Run(options);
        Assert.Equal((ToyTraining.Steps, (long)ToyTraining.Steps * 2 * ToyTraining.Length), (report.Steps, report.Tokens));
        using ModelFolder written = ModelFolder.Open(folder["out"], ActivationPrecision.EightBits);
        Assert.Contains($"\"method\": \"{QatJob.MethodName}\"", File.ReadAllText(folder["out", "config.json"]), StringComparison.Ordinal);
        int[] tokens = Tokenizer.Load(folder["out"]).Encode(File.ReadAllText(folder["evaluation"]), addSpecial: false);
        Assert.Equal(Perplexity.Measure(written.Decoder, tokens, new PerplexityOptions { Window = ToyTraining.Length }).Value, report.Perplexity);
        Assert.Equal(written.TrueBits, report.TrueBits, 1e-12);
        Assert.Equal(Directory.GetFiles(folder["out"], "*.safetensors").Sum(f => new FileInfo(f).Length), report.Bytes);
        Assert.True(File.Exists(folder["out", "loss.svg"]));
        Assert.False(Directory.Exists(folder["out.partial"]));
        Assert.Equal(["config.json", "halfbit.json", "loss.svg", "metrics.jsonl"], Directory.GetFiles(folder["out"]).Select(f => Path.GetFileName(f)!).Where(f => !f.StartsWith("model", StringComparison.Ordinal) && !f.StartsWith("tokenizer", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("llama", TrainedTensors.Norms, 0.1)]
    [InlineData("llama", TrainedTensors.All, 0.3)]
    [InlineData("llama", TrainedTensors.Norms, 0)]
    [InlineData("llama", TrainedTensors.Norms, 1)]
    [InlineData("opt", TrainedTensors.Linears, 0.1)]
    [InlineData("opt", TrainedTensors.Norms, 0.2)]
    [InlineData("opt", TrainedTensors.All, 0.1)]
    public void Packed_weights_and_all_that_was_trained_are_those_of_the_last_step(string architecture, TrainedTensors trained, double salient)
    {
        QatOptions options = ToyTraining.Options(folder, Model(architecture)) with { Trained = trained, SalientFraction = salient };
        _ = QatJob.Run(options);

        // The same training, put together from its parts.
        using Checkpoint source = Checkpoint.Open(options.ModelFolder);
        TrainableModel<float> model = Load(source, name => IsTrained(name, trained));
        var before = new Dictionary<string, float[]>();
        foreach (LinearUnit<float> linear in model.Linears)
        {
            linear.Form = new PbLlmWeights<float>(linear.Weight.Value, new PbLlmTrainingOptions { SalientFraction = salient });
            before[linear.Name] = [.. linear.Weight.Value.Data];
        }

        TrainingTexts texts = TrainingTexts.Read(options.ModelFolder, model.Config, options.Training);
        var trainer = new Trainer(model, texts.Text, options.Training, new LossSettings(options.TeacherShare, options.Temperature), new DecoderTeacher(Decoder.Open(source)));
        trainer.Run(() => { }, null, _ => { }, default);

        using ModelFolder written = ModelFolder.Open(folder["out"]);
        HashSet<string> packed = [];
        foreach (LinearUnit<float> linear in model.Linears)
        {
            string name = linear.Weight.Name;
            packed.Add(name);
            float[] stored = Matrix.Expand(written.Packed!.TryFind(name)!.Matrix).Data;
            Assert.Equal(linear.Effective.Data, stored);
            var form = (PbLlmWeights<float>)linear.Form!;
            int at = 0, moved = 0;
            for (int i = 0; i < linear.Rows; i++)
            {
                for (int j = 0; j < linear.Columns; j++, at++)
                {
                    if (form.IsSalient[i, j]) Assert.Equal(before[linear.Name][at], stored[at]);
                    else if (linear.Weight.Value.Data[at] != before[linear.Name][at]) moved++;
                }
            }

            int free = (linear.Rows * linear.Columns) - (int)form.IsSalient.CountSet();
            Assert.InRange(moved, free * 9 / 10, free);
        }

        foreach (Parameter<float> parameter in model.Parameters.Where(p => !packed.Contains(p.Name)))
        {
            float[] original = source.TryFind(parameter.Name)!.ReadAll(), stored = written.Checkpoint.TryFind(parameter.Name)!.ReadAll();
            Assert.Equal(parameter.Value.Data, stored);
            Assert.Equal(parameter.IsTrained, !original.AsSpan().SequenceEqual(stored));
            Assert.Equal(parameter.IsTrained ? ElementType.F32 : source.TryFind(parameter.Name)!.Type, written.Checkpoint.TryFind(parameter.Name)!.Type);
        }

        Assert.Equal(source.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), written.Checkpoint.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
    }

    [Theory, InlineData("llama"), InlineData("opt")]
    public void The_number_of_threads_changes_no_byte(string architecture)
    {
        string model = Model(architecture);
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var count = new ThreadCount(threads);
            _ = QatJob.Run(ToyTraining.Options(folder, model, $"out{threads}") with { Salience = SalienceMetric.Hessian, CalibrationSamples = 3 });
        }

        ToyTraining.AssertSame(folder["out1"], folder["out2"]);
        ToyTraining.AssertSame(folder["out1"], folder["out3"]);
    }

    [Fact]
    public void Activations_that_are_computed_again_change_no_byte()
    {
        string model = Model("llama");
        QatOptions options = ToyTraining.Options(folder, model, "kept");
        _ = QatJob.Run(options);
        _ = QatJob.Run(options with { OutputFolder = folder["again"], Training = options.Training with { KeptBytes = 0 } });
        ToyTraining.AssertSame(folder["kept"], folder["again"]);
    }

    [Theory]
    [InlineData("llama", 0.0, 1.0)]
    [InlineData("llama", 1.0, 1.0)]
    [InlineData("llama", 0.5, 2.0)]
    [InlineData("opt", 0.0, 1.0)]
    [InlineData("opt", 0.9, 1.0)]
    public void The_loss_falls_on_an_easy_text(string architecture, double teacher, double temperature)
    {
        QatOptions options = ToyTraining.Options(folder, Model(architecture));
        File.WriteAllText(folder["text"], string.Concat(Enumerable.Repeat("one house on a hill ", 60)));
        var steps = new List<TrainingProgress>();
        _ = QatJob.Run(options with { TeacherShare = teacher, Temperature = temperature, Training = options.Training with { Steps = 15, LearningRate = 1e-2, EvaluateEvery = 100 } }, steps.Add);
        Assert.Equal(Enumerable.Range(1, 15), steps.Select(s => s.Step));
        Assert.True(steps[^1].Loss < 0.8 * steps[0].Loss, $"{steps[0].Loss} → {steps[^1].Loss}");
        foreach (TrainingProgress step in steps)
        {
            Assert.Equal(teacher > 0, step.Divergence is not null);
            double expected = ((1 - teacher) * step.NegativeLogLikelihood) + (teacher * temperature * temperature * (step.Divergence ?? 0));
            Assert.Equal(expected, step.Loss, 1e-9);
            Assert.True(step.GradientNorm > 0 && step.SecondsLeft >= 0 && step.TokensPerSecond > 0);
        }
    }

    [Fact]
    public void One_step_is_enough_and_an_evaluation_text_is_not_needed()
    {
        QatOptions options = ToyTraining.Options(folder, Model("llama"));
        TrainingReport report = QatJob.Run(options with { Training = options.Training with { Steps = 1, EvaluationFile = null, Batch = 1, Clip = null } });
        Assert.Null(report.Perplexity);
        Assert.Single(File.ReadAllLines(folder["out", "metrics.jsonl"]));
        using ModelFolder written = ModelFolder.Open(folder["out"]);
        Assert.NotNull(written.Packed);
    }

    [Fact]
    public void The_bundled_sample_is_trained()
    {
        QatOptions options = ToyTraining.Options(folder, TestData.Sample);
        File.WriteAllText(folder["text"], string.Concat(Enumerable.Repeat("There was a house on the hill, and nobody lived there but an old man. ", 12)));
        var losses = new List<double>();
        TrainingReport report = QatJob.Run(options with { TeacherShare = 0.5, Training = options.Training with { Steps = 6, EvaluateEvery = 6 } }, p => losses.Add(p.Loss));
        Assert.True(losses[^1] < losses[0], $"{losses[0]} → {losses[^1]}");
        using ModelFolder written = ModelFolder.Open(folder["out"], ActivationPrecision.EightBits);
        Tokenizer tokenizer = Tokenizer.Load(folder["out"]);
        int[] tokens = [tokenizer.BosId!.Value, .. tokenizer.Encode(File.ReadAllText(folder["evaluation"]), addSpecial: false)];
        Assert.Equal(Perplexity.Measure(written.Decoder, tokens, new PerplexityOptions { Window = ToyTraining.Length }).Value, report.Perplexity);
        Assert.InRange(report.TrueBits, 1.7, 2.9);
    }

    private string Model(string architecture) => (architecture == "opt" ? ToyCheckpoint.Opt() : ToyCheckpoint.Llama()).Write(folder[architecture]);

    /// <summary>Said by names here, by roles in the job.</summary>
    private static bool IsTrained(string name, TrainedTensors trained)
    {
        bool isNorm = name.Contains("norm", StringComparison.Ordinal);
        return trained == TrainedTensors.All || (name.Contains("layers.", StringComparison.Ordinal) && !isNorm) || (isNorm && trained == TrainedTensors.Norms);
    }

    private static TrainableModel<float> Load(Checkpoint checkpoint, Func<string, bool> isTrained)
        => TrainableLoader<float>.Load(ModelConfig.Read(checkpoint.ConfigPath), new CheckpointParameters<float>(checkpoint), (name, _) => isTrained(name));
}
