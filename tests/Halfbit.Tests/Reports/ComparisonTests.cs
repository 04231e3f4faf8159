using Halfbit.Checkpoints;
using Halfbit.Evaluation;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Reports;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Pipeline;
using Halfbit.Tests.Support;
using Halfbit.Tokenization;

namespace Halfbit.Tests.Reports;

public sealed class ComparisonTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;
    private readonly string work;
    private readonly string text;

    public ComparisonTests()
    {
        model = ToyCheckpoint.Llama().Write(folder["model"]);
        work = Directory.CreateDirectory(folder["work"]).FullName;
        text = folder["text.txt"];
        File.WriteAllText(text, ToyCheckpoint.Text(600));
    }

    public void Dispose() => folder.Dispose();

    [Theory, InlineData(true), InlineData(false)]
    public void Sharing_a_calibration_changes_no_byte_and_no_number(bool hasText)
    {
        ComparisonOptions options = Options(("gptq", "gptq"), ("pb-llm", "Partial Binarization, 10 %"), ("xnor", "x")) with { CalibrationFile = hasText ? text : null, KeepsModels = true };
        ComparisonResult result = Comparison.Run(options);
        Assert.Equal(["original", "gptq", "Partial Binarization, 10 %", "x"], result.Rows.Select(r => r.Name));
        using ModelFolder original = ModelFolder.Open(model);
        foreach ((ComparisonRow row, string kept) in result.Rows.Skip(1).Zip((string[])["gptq", "partial-binarization--10", "x"]))
        {
            Assert.Null(row.Error);
            string alone = folder["alone " + row.Name];
            QuantizationReport job = QuantizationJob.Run(ToyJob.Options(model, alone, row.Method) with { CalibrationFile = hasText ? text : null });
            FolderBytes.AssertEqual(alone, Path.Combine(work, kept));
            Assert.Equal((job.NominalBits, job.TrueBits, job.Bytes), (row.NominalBits, row.TrueBits, row.Bytes));
            Assert.Equal(job.Options, row.Options);
            Assert.Equal(job.Layers.Select(Comparable), row.Layers.Select(Comparable));
            Assert.Equal(hasText || row.Method != "xnor", row.HasWeightedErrors);
            using ModelFolder packed = ModelFolder.Open(alone);
            Assert.Equal(Perplexity.Measure(packed.Decoder, options.Texts[0].Tokens, options.Perplexity, original.Decoder), row.Texts[0].Result);
            Assert.Equal(row.Texts[0].Result.MeanNll, Math.Log(row.Perplexity), 12);
        }

        PerplexityResult own = Perplexity.Measure(original.Decoder, options.Texts[0].Tokens, options.Perplexity);
        ComparisonRow first = result.Rows[0];
        Assert.Equal(own with { KlDivergence = 0, Top1Agreement = 1 }, first.Texts[0].Result);
        Assert.Equal((32.0, original.TrueBits, original.Checkpoint.ByteCount, 0.0), (first.NominalBits, first.TrueBits, first.Bytes, first.Seconds));
    }

    /// <summary>A record without its time, and its lists as text: records compare lists by reference.</summary>
    private static (LayerRecord Record, string Lists) Comparable(LayerRecord layer) => (
        new LayerRecord(layer.Name, layer.Rows, layer.Columns, layer.NominalBits, layer.Bytes, layer.WeightedError, layer.RelativeError, 0),
        string.Join(' ', layer.Options.Select(o => $"{o.Key}={o.Value}").Concat(layer.Fallbacks)));

    [Fact]
    public void Sequences_and_statistics_of_the_first_block_are_made_once()
    {
        var steps = new List<ComparisonProgress>();
        ComparisonResult result = Comparison.Run(Options(("gptq", "a"), ("pb-llm", "b"), ("gptq", "c")), steps.Add);
        Assert.Equal(["original"], Names(QuantizationStage.Calibration, -1));
        Assert.Equal(["a"], Names(QuantizationStage.Statistics, 0));
        Assert.Equal(["a", "b", "c"], Names(QuantizationStage.Statistics, 1));
        Assert.Equal(["a", "b", "c"], Names(QuantizationStage.Propagation, 0));
        Assert.True(result.CalibrationSeconds > 0);
        Assert.All(result.Rows.Skip(1), row => Assert.True(row.Seconds > 0));

        IEnumerable<string> Names(QuantizationStage stage, int block) => steps.Where(s => s.Job is { } job && job.Stage == stage && job.Block == block).Select(s => s.Name).Distinct();
    }

    [Fact]
    public void A_job_on_another_calibration_does_not_share()
    {
        var shared = new SharedCalibration();
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["a"], "gptq"), shared, _ => { }, default);
        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(
            () => QuantizationJob.Run(ToyJob.Options(model, folder["b"], "gptq") with { Seed = 1 }, shared, _ => { }, default));
        Assert.Contains("calibration", exception.Message, StringComparison.Ordinal);
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["c"], "xnor") with { Seed = 1 }, shared, _ => { }, default); // looks at no calibration
    }

    [Fact]
    public void When_one_method_fails_the_others_still_run()
    {
        ComparisonOptions options = Options(("xnor", "before"), ("gptq", "after")) with { KeepsModels = true };
        ComparisonResult result = Comparison.Run(options with { Contestants = [options.Contestants[0], new Contestant("hopeless", new Hopeless()), options.Contestants[1]] });
        Assert.Equal([null, null, "model.layers.1.mlp.down_proj: no two weights are alike", null], result.Rows.Select(r => r.Error));
        ComparisonRow failed = result.Rows[2];
        Assert.True(double.IsNaN(failed.Perplexity) && double.IsNaN(failed.TrueBits) && failed.Texts.Count == 0 && failed.Layers.Count == 0);
        Assert.DoesNotContain("hopeless", result.ParetoFront);
        Assert.Equal(["after", "before"], Directory.GetDirectories(work).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Interrupted_at_any_step_it_leaves_nothing_unfinished(bool keepsModels)
    {
        int all = 0;
        ComparisonOptions options = Options(("gptq", "a"), ("xnor", "b")) with { KeepsModels = keepsModels };
        Comparison.Run(options with { WorkFolder = Directory.CreateDirectory(folder["whole"]).FullName }, _ => all++);
        for (int stop = 1; stop < all; stop += 7)
        {
            using var source = new CancellationTokenSource();
            int seen = 0;
            string own = Directory.CreateDirectory(folder[$"work {stop}"]).FullName;
            try
            {
                _ = Comparison.Run(
                    options with { WorkFolder = own },
                    _ =>
                    {
                        if (++seen == stop) source.Cancel();
                    },
                    source.Token);
            }
            catch (OperationCanceledException)
            {
            }

            Assert.All(Directory.GetDirectories(own), kept => Assert.True(keepsModels && File.Exists(Path.Combine(kept, "halfbit.json")), $"{kept} after step {stop}"));
        }
    }

    [Fact]
    public void What_is_wrong_shows_before_the_first_job()
    {
        ComparisonOptions options = Options(("xnor", "a"));
        Assert.Contains("called 'a'", Refused<ArgumentException>(Options(("xnor", "a"), ("gptq", "a"))), StringComparison.Ordinal);
        Assert.Contains("called 'original'", Refused<ArgumentException>(Options(("xnor", "original"))), StringComparison.Ordinal);
        Assert.Contains("at least one", Refused<ArgumentException>(options with { Contestants = [] }), StringComparison.Ordinal);
        Assert.Contains("text.txt: ", Refused<ArgumentException>(options with { Perplexity = new PerplexityOptions { Window = 64, TokensLimit = 20 } }), StringComparison.Ordinal);
        Assert.Contains("64", Refused<PipelineException>(options with { SequenceLength = 65 }), StringComparison.Ordinal);
        _ = Refused<CheckpointException>(options with { ModelFolder = folder["nowhere"] });
        Directory.CreateDirectory(Path.Combine(work, "a"));
        Assert.Contains("exists already", Refused<PipelineException>(options), StringComparison.Ordinal);
        Directory.Delete(Path.Combine(work, "a"));
        _ = QuantizationJob.Run(ToyJob.Options(model, folder["packed"], "xnor"));
        Assert.Contains("quantized already", Refused<PipelineException>(options with { ModelFolder = folder["packed"] }), StringComparison.Ordinal);

        static string Refused<T>(ComparisonOptions options)
            where T : Exception
        {
            bool hasJob = false;
            T exception = Assert.Throws<T>(() => Comparison.Run(options, step => hasJob |= step.Job?.Stage == QuantizationStage.Layer));
            Assert.False(hasJob);
            return exception.Message;
        }
    }

    [Fact]
    public void Names_that_make_one_folder_name_get_folders_of_their_own()
    {
        _ = Comparison.Run(Options(("xnor", "A b"), ("sign", "a-b"), ("sign", "…")) with { KeepsModels = true });
        Assert.Equal(["a-b", "a-b-2", "sign"], Directory.GetDirectories(work).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private ComparisonOptions Options(params (string Method, string Name)[] contestants)
    {
        Tokenizer tokenizer = Tokenizer.Load(model);
        return new ComparisonOptions
        {
            ModelFolder = model,
            Contestants = [.. contestants.Select(c => new Contestant(c.Name, MethodCatalog.Create(c.Method, new Dictionary<string, string>())))],
            Texts = [new EvaluationText(text, tokenizer.Encode(ToyCheckpoint.Text(300, seed: 9)))],
            WorkFolder = work,
            Samples = ToyJob.Samples,
            SequenceLength = ToyJob.SequenceLength,
            Perplexity = new PerplexityOptions { Window = 32 },
        };
    }

    /// <summary>Fails at the last kind of layer of the second block.</summary>
    private sealed class Hopeless : IQuantizationMethod
    {
        private readonly IQuantizationMethod inner = MethodCatalog.Create("xnor", new Dictionary<string, string>());
        private int layers;

        public string Name => "hopeless";

        public bool NeedsHessian => true;

        public IReadOnlyDictionary<string, string> Options => inner.Options;

        public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
            => ++layers < 14 ? inner.Quantize(W, statistics, format) : throw new NumericsException("no two weights are alike");
    }
}
