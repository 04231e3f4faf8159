using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Tests.Support;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>What cannot be trained, or not so, is refused in one line, and nothing is left behind.</summary>
public sealed class QatInputTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public QatInputTests()
    {
        model = ToyCheckpoint.Llama().Write(folder["model"]);
    }

    public void Dispose() => folder.Dispose();

    private QatOptions Options => ToyTraining.Options(folder, model);

    [Theory]
    [InlineData("short", "holds 10 tokens, a batch of 2 sequences of 16 needs 33")]
    [InlineData("empty", "is empty")]
    [InlineData("missing", "cannot be read")]
    [InlineData("folder", "cannot be read")]
    [InlineData("latin-1", "not valid UTF-8 at byte 7")]
    [InlineData("utf-16", "not valid UTF-8 at byte 0")]
    public void A_text_that_cannot_be_used_is_refused(string fault, string expected)
    {
        string path = folder["bad text"];
        switch (fault)
        {
            case "short": File.WriteAllText(path, "0123456789"); break;
            case "empty": File.WriteAllText(path, ""); break;
            case "folder": Directory.CreateDirectory(path); break;
            case "latin-1": File.WriteAllBytes(path, System.Text.Encoding.Latin1.GetBytes("two caf\u00e9s ")); break;
            case "utf-16": File.WriteAllText(path, new string('x', 200), System.Text.Encoding.Unicode); break;
        }

        string[] data = fault == "short" ? [path] : [folder["text"], path];
        Refused<TrainingException>(Options with { Training = Options.Training with { Data = data } }, $"{path}: the training text", expected);
        Refused<TrainingException>(Options with { Training = Options.Training with { EvaluationFile = path } }, $"{path}: the evaluation text", fault == "short" ? "has 10 tokens, one window needs 16" : expected);
    }

    [Fact]
    public void Ids_outside_of_the_vocabulary_are_refused()
    {
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Config["vocab_size"] = 100;
        toy.Config["bos_token_id"] = 1;
        toy.Config["eos_token_id"] = 1;
        toy.Reshape("model.embed_tokens.weight", 100, 32);
        toy.Reshape("lm_head.weight", 100, 32);
        Refused<TrainingException>(Options with { ModelFolder = toy.Write(folder["narrow"]) }, "the tokenizer gives id ", "vocab_size 100");
    }

    public static TheoryData<string, QatOptions> OutOfRange
    {
        get
        {
            var training = new TrainingOptions { Data = ["text"], Steps = 1, LearningRate = 1e-3 };
            var options = new QatOptions { ModelFolder = "model", OutputFolder = "out", Training = training };
            var data = new TheoryData<string, QatOptions>();
            foreach (double bad in (double[])[-0.1, 1.1, double.NaN, double.PositiveInfinity])
            {
                data.Add("--salient", options with { SalientFraction = bad });
                data.Add("--teacher", options with { TeacherShare = bad });
                data.Add("--warmup", options with { Training = training with { WarmUp = bad } });
                data.Add("--lr-floor", options with { Training = training with { Floor = bad } });
            }

            foreach (double bad in (double[])[0, -1, double.NaN, double.PositiveInfinity])
            {
                data.Add("--temperature", options with { Temperature = bad });
                data.Add("--lr", options with { Training = training with { LearningRate = bad } });
                data.Add("--clip", options with { Training = training with { Clip = bad } });
                if (bad != 0) data.Add("--weight-decay", options with { Training = training with { WeightDecay = bad } });
                if (!double.IsInfinity(bad)) data.Add("--save-seconds", options with { Training = training with { SaveSeconds = bad } });
            }

            data.Add("--samples", options with { CalibrationSamples = 0 });
            data.Add("--data", options with { Training = training with { Data = [] } });
            data.Add("--steps", options with { Training = training with { Steps = 0 } });
            data.Add("--batch", options with { Training = training with { Batch = 0 } });
            data.Add("--micro-batch", options with { Training = training with { MicroBatch = 0 } });
            data.Add("--micro-batch", options with { Training = training with { MicroBatch = 9 } });
            data.Add("--eval-every", options with { Training = training with { EvaluateEvery = 0 } });
            data.Add("--eval-tokens", options with { Training = training with { EvaluationTokens = 1 } });
            data.Add("--kept-bytes", options with { Training = training with { KeptBytes = -1 } });
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(OutOfRange), DisableDiscoveryEnumeration = true)]
    public void Values_out_of_range_are_refused_before_anything_is_read(string option, QatOptions options)
        => Assert.StartsWith(option + " ", Assert.Throws<TrainingException>(() => QatJob.Run(options)).Message, StringComparison.Ordinal);

    [Theory, InlineData(1), InlineData(ToyCheckpoint.Context + 1), InlineData(0), InlineData(int.MinValue)]
    public void Lengths_that_the_model_has_not_are_refused(int length)
    {
        Refused<TrainingException>(Options with { Training = Options.Training with { SequenceLength = length } }, $"--seq-len is {length}", "context of 64");
        Refused<TrainingException>(Options with { Training = Options.Training with { EvaluationWindow = length } }, $"--eval-window is {length}", "context of 64");
    }

    [Fact]
    public void A_sequence_may_be_as_long_as_the_context()
        => Assert.Equal(ToyCheckpoint.Context, QatJob.Run(Options with { Training = Options.Training with { SequenceLength = null, Batch = 1, Steps = 1 } }).Tokens);

    [Theory, InlineData(ToyTraining.Steps), InlineData(30)]
    public void A_learning_rate_that_diverges_stops_with_the_step_and_keeps_a_state(int steps)
    {
        int last = 0;
        QatOptions options = Options with { Training = Options.Training with { Steps = steps, LearningRate = 1e3, EvaluateEvery = 100 } };
        string message = Assert.Throws<TrainingException>(() => QatJob.Run(options, p => last = p.Step)).Message;
        Assert.StartsWith(FormattableString.Invariant($"training diverged at step {last + 1}: "), message, StringComparison.Ordinal);
        Assert.Contains("--lr", message, StringComparison.Ordinal);
        Assert.InRange(last, 1, ToyTraining.Steps - 1); // long before there is a mean of several steps
        Assert.False(Directory.Exists(folder["out"]));

        // The state is that of the step before; from there it diverges again, at the same place.
        Assert.Equal(message, Assert.Throws<TrainingException>(() => QatJob.Run(options with { Resume = true }, _ => Assert.Fail("a step more"))).Message);
        _ = QatJob.Run(Options with { Overwrite = true });
        Assert.True(Directory.Exists(folder["out"]));
    }

    [Theory]
    [InlineData("model.layers.1.mlp.up_proj.weight")]
    [InlineData("model.norm.weight")]
    public void A_weight_that_is_not_finite_is_named(string tensor)
    {
        foreach (float bad in (float[])[float.NaN, float.NegativeInfinity])
        {
            ToyCheckpoint toy = ToyCheckpoint.Llama();
            toy.Values(tensor)[7] = bad;
            Refused<NumericsException>(Options with { ModelFolder = toy.Write(folder["bad"]) }, tensor);
        }
    }

    [Fact]
    public void A_quantized_model_is_refused()
    {
        _ = QatJob.Run(Options);
        QatOptions options = Options with { ModelFolder = folder["out"], OutputFolder = folder["twice"] };
        Assert.Contains("quantized already", Assert.Throws<PipelineException>(() => QatJob.Run(options)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["twice.partial"]));
    }

    [Fact]
    public void A_model_without_a_tokenizer_or_a_tensor_is_refused()
    {
        File.Delete(Path.Combine(model, "tokenizer.json"));
        Refused<Halfbit.Tokenization.TokenizerException>(Options, model);
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        toy.Remove("model.layers.1.mlp.up_proj.weight");
        Refused<CheckpointException>(Options with { ModelFolder = toy.Write(folder["less"]) }, "model.layers.1.mlp.up_proj.weight");
    }

    [Fact]
    public void The_model_is_never_written_over_and_an_output_only_on_request()
    {
        SortedDictionary<string, byte[]> before = FolderBytes.Of(model);
        foreach (string output in (string[])[model, folder.Path, Path.Combine(model, "..", "model")])
        {
            Assert.Contains("the model", Assert.Throws<PipelineException>(() => QatJob.Run(Options with { OutputFolder = output, Overwrite = true })).Message, StringComparison.Ordinal);
            Assert.Equal(before, FolderBytes.Of(model));
        }

        _ = QatJob.Run(Options);
        SortedDictionary<string, byte[]> first = FolderBytes.Of(folder["out"]);
        Assert.Contains("exists already", Assert.Throws<PipelineException>(() => QatJob.Run(Options with { SalientFraction = 0.3 })).Message, StringComparison.Ordinal);
        Assert.Equal(first, FolderBytes.Of(folder["out"]));
        _ = QatJob.Run(Options with { SalientFraction = 0.3, Overwrite = true });
        Assert.NotEqual(first["config.json"], FolderBytes.Of(folder["out"])["config.json"]);
        Directory.CreateDirectory(folder["letters"]);
        File.WriteAllText(folder["letters", "dear.txt"], "do not lose me");
        _ = Assert.Throws<PipelineException>(() => QatJob.Run(Options with { OutputFolder = folder["letters"], Overwrite = true }));
        Assert.Equal("do not lose me", File.ReadAllText(folder["letters", "dear.txt"]));
    }

    private void Refused<TException>(QatOptions options, params string[] expected)
        where TException : Exception
    {
        var exception = Assert.Throws<TException>(() => QatJob.Run(options));
        Assert.All(expected, part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
        Assert.DoesNotContain('\n', exception.Message);
        Assert.False(Directory.Exists(folder["out"]) || Directory.Exists(folder["out.partial"]));
    }
}
