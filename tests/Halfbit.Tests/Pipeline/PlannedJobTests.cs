using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Generation;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Pipeline;

/// <summary>Methods that see the whole model before its first layer is quantized.</summary>
[Collection("thread count")]
public sealed class PlannedJobTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public PlannedJobTests()
    {
        model = ToyCheckpoint.Llama().Write(folder["model"]);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_layer_is_quantized_as_planned_and_the_records_say_how()
    {
        QuantizationReport report = QuantizationJob.Run(Options("out"));
        using ModelFolder packed = ModelFolder.Open(folder["out"]);
        JsonArray records = JsonNode.Parse(File.ReadAllText(folder["out", "halfbit.json"]))!["layers"]!.AsArray();
        for (int l = 0; l < report.Layers.Count; l++)
        {
            LayerRecord layer = report.Layers[l];
            bool isPlanned = layer.Options.Count > 0;
            Assert.Equal(isPlanned ? ["bits"] : [], layer.Options.Keys);
            if (isPlanned) Assert.Equal("3", layer.Options["bits"]);
            Assert.Equal(isPlanned ? "3" : null, (string?)records[l]!["options"]?["bits"]);
            Assert.Equal(isPlanned, layer.NominalBits > 2.5);
            var matrix = (PackedMatrix)packed.Decoder.Blocks.SelectMany(b => b.Linears).Single(n => n.Name == layer.Name).Weights;
            Assert.Equal(isPlanned ? 3 : 2, Assert.IsType<GridMatrix>(matrix.Unpack()).Bits);
        }

        Assert.Equal(7, report.Layers.Count(l => l.Options.Count > 0));
        Assert.Equal([ToyPlannedMethod.Fallback], report.Fallbacks);
        Assert.Equal([ToyPlannedMethod.Fallback], QuantizationJob.Run(Options("out") with { Resume = true }).Fallbacks);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_survey_sees_the_original_model_with_the_inputs_of_its_layers(bool withHessians)
    {
        var method = new ToyPlannedMethod { SurveyNeedsHessian = withHessians };
        QuantizationJobOptions options = Options("out") with { Method = method };
        _ = QuantizationJob.Run(options);
        using ModelFolder original = ModelFolder.Open(model);
        Assert.Equal(original.Decoder.Blocks.SelectMany(b => b.Linears).Select(l => l.Name), method.Seen.Keys);

        // Definition: the original blocks one after the other, squares summed in double precision.
        int[][] sequences = SelfGeneration.Sample(original.Decoder, new SelfGenerationOptions { Count = ToyJob.Samples, Length = ToyJob.SequenceLength, Seed = options.Seed });
        foreach (DecoderBlock block in original.Decoder.Blocks)
        {
            var squares = new Squares();
            foreach (int[] sequence in sequences)
            {
                var hidden = new Matrix(sequence.Length, original.Decoder.Config.HiddenSize);
                original.Decoder.Embed(new SequenceBatch(sequence), hidden);
                foreach (DecoderBlock before in original.Decoder.Blocks.Take(block.Index)) before.Forward(hidden, new SequenceBatch(sequence));
                block.Forward(hidden, new SequenceBatch(sequence), squares);
            }

            foreach (LinearGroup group in block.Groups)
            {
                foreach (LinearLayer layer in group.Layers)
                {
                    SurveyedLayer seen = method.Seen[layer.Name];
                    double[] expected = squares.Sums[group.Index];
                    Assert.Equal(expected.Length, seen.FeatureSquaredNorm.Length);
                    for (int j = 0; j < expected.Length; j++) Assert.Equal(expected[j] / sequences.Length, seen.FeatureSquaredNorm[j], 1e-5 * expected[j]);
                    if (withHessians) Assert.Equal(seen.FeatureSquaredNorm, Enumerable.Range(0, expected.Length).Select(j => seen.Statistics!.Hessian[j, j] / 2));
                }
            }
        }
    }

    [Fact]
    public void A_survey_learns_what_a_changed_layer_does_to_its_block_and_to_the_predictions()
    {
        var method = new ToyPlannedMethod { SurveyNeedsHessian = true };
        QuantizationJobOptions options = Options("out") with { Method = method };
        _ = QuantizationJob.Run(options);
        using ModelFolder original = ModelFolder.Open(model);
        using ModelFolder changed = ModelFolder.Open(model);
        int[][] sequences = SelfGeneration.Sample(original.Decoder, new SelfGenerationOptions { Count = ToyJob.Samples, Length = ToyJob.SequenceLength, Seed = options.Seed });
        foreach (DecoderBlock block in changed.Decoder.Blocks)
        {
            foreach (LinearLayer layer in block.Linears)
            {
                IWeightRows weights = layer.Weights;
                layer.Weights = new ZeroMatrix(layer.Rows, layer.Columns);
                double stream = 0;
                double predictions = 0;
                foreach (int[] sequence in sequences)
                {
                    (Matrix hidden, Matrix logits) = Run(original.Decoder, sequence, block.Index);
                    (Matrix otherHidden, Matrix otherLogits) = Run(changed.Decoder, sequence, block.Index);
                    for (int t = 0; t < sequence.Length; t++)
                    {
                        double[] h = Doubles(hidden, t);
                        stream += Doubles(otherHidden, t).Zip(h, (a, b) => (a - b) * (a - b)).Sum() / h.Sum(v => v * v);
                        if (t % 4 != 3) continue;

                        double[] z = Doubles(logits, t);
                        double[] p = [.. z.Select(v => Math.Exp(v - z.Max()))];
                        double[] d = [.. Doubles(otherLogits, t).Zip(z, (a, b) => a - b)];
                        double mean = p.Zip(d, (a, b) => a * b).Sum() / p.Sum();
                        predictions += p.Zip(d, (a, b) => a * (b - mean) * (b - mean)).Sum() / p.Sum() / 2;
                    }
                }

                layer.Weights = weights;
                int tokens = sequences.Sum(s => s.Length);
                double expected = (stream / tokens) + (predictions / (tokens / 4));
                Assert.True(expected > 0);
                Assert.Equal(expected, method.Damage[layer.Name], 1e-4 * expected);
            }
        }

        static (Matrix Hidden, Matrix Logits) Run(Decoder decoder, int[] sequence, int lastBlock)
        {
            var hidden = new Matrix(sequence.Length, decoder.Config.HiddenSize);
            decoder.Embed(new SequenceBatch(sequence), hidden);
            foreach (DecoderBlock block in decoder.Blocks.Take(lastBlock + 1)) block.Forward(hidden, new SequenceBatch(sequence));
            return (hidden, decoder.Logits(sequence));
        }

        static double[] Doubles(Matrix matrix, int row) => [.. matrix.Row(row).ToArray().Select(v => (double)v)];
    }

    [Fact]
    public void Any_number_of_threads_writes_the_same_bytes()
    {
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var count = new ThreadCount(threads);
            _ = QuantizationJob.Run(Options($"out{threads}"));
        }

        FolderBytes.AssertEqual(folder["out1"], folder["out2"]);
        FolderBytes.AssertEqual(folder["out1"], folder["out3"]);
    }

    [Fact]
    public void Stopped_at_any_step_it_goes_on_to_the_same_bytes_without_a_second_survey()
    {
        _ = QuantizationJob.Run(Options("expected"));
        int stoppedInSurvey = 0;
        for (int stop = 1; ; stop++)
        {
            var before = new List<QuantizationProgress>();
            bool wasRunning = RunUntil(stop, before);
            if (!wasRunning) break;
            var after = new List<QuantizationProgress>();
            _ = QuantizationJob.Run(Options("out") with { Resume = true }, after.Add);
            FolderBytes.AssertEqual(folder["expected"], folder["out"]);
            int surveyed = before.Count(s => s.Stage == QuantizationStage.Survey) / ToyJob.Samples; // blocks whose last sequence was seen
            int again = after.Count(s => s.Stage == QuantizationStage.Survey);
            if (before[^1].Stage == QuantizationStage.Survey) stoppedInSurvey++;
            Assert.True(again == ToyJob.Samples * (ToyCheckpoint.Blocks - surveyed), $"stopped after {stop} steps with {surveyed} blocks surveyed, it surveyed {again} sequences again");
            Directory.Delete(folder["out"], recursive: true);
        }

        Assert.Equal(ToyCheckpoint.Blocks * ToyJob.Samples, stoppedInSurvey);
    }

    [Fact]
    public void A_missing_survey_is_made_again_and_a_damaged_one_is_an_error_that_names_it()
    {
        _ = QuantizationJob.Run(Options("expected"));
        Assert.True(RunUntil(24, []));
        string survey = folder["out.partial", "job", "survey-00000.json"];
        string text = File.ReadAllText(survey);
        File.WriteAllText(survey, text[..(text.Length / 2)]);
        Assert.Contains("survey-00000.json", Assert.Throws<CheckpointException>(() => QuantizationJob.Run(Options("out") with { Resume = true })).Message, StringComparison.Ordinal);
        File.Delete(survey);
        _ = QuantizationJob.Run(Options("out") with { Resume = true });
        FolderBytes.AssertEqual(folder["expected"], folder["out"]);
    }

    [Fact]
    public void Without_need_for_a_survey_there_is_none()
    {
        var steps = new List<QuantizationProgress>();
        var method = new ToyPlannedMethod { NeedsSurvey = false };
        QuantizationReport report = QuantizationJob.Run(Options("out") with { Method = method }, steps.Add);
        Assert.Empty(method.Seen);
        Assert.Empty(report.Fallbacks);
        Assert.DoesNotContain(steps, s => s.Stage == QuantizationStage.Survey);
        Assert.All(report.Layers, l => Assert.Empty(l.Options));
    }

    [Theory, InlineData("default"), InlineData("released")]
    public void Kept_weights_follow_the_outliers_of_the_blocks(string variant)
    {
        ToyCheckpoint toy = ToyCheckpoint.Llama();
        float[] values = toy.Values("model.layers.1.mlp.up_proj.weight");
        for (int k = 0; k < values.Length; k += 40) values[k] *= 30;
        QuantizationJobOptions options = ToyJob.Options(toy.Write(folder["uneven"]), folder["out"], "stbllm", ("keep", "4:8"), ("variant", variant), ("adaptive", "on"));
        QuantizationReport report = QuantizationJob.Run(options);
        using ModelFolder packed = ModelFolder.Open(folder["out"]);
        double total = 0;
        foreach (LayerRecord layer in report.Layers)
        {
            int kept = layer.Name.Contains(".1.", StringComparison.Ordinal) ? (variant == "released" ? 6 : 5) : 3;
            Assert.Equal($"{kept}:8", layer.Options["keep"]);
            Assert.Equal(["keep"], layer.Options.Keys);
            Assert.InRange(layer.NominalBits, kept / 8.0, kept / 4.0);
            total += (double)kept * layer.Weights;
            if (variant == "released") continue; // its zeros are lost
            Matrix W = Matrix.Expand(packed.Decoder.Blocks.SelectMany(b => b.Linears).Single(n => n.Name == layer.Name).Weights);
            Assert.Equal(kept * W.Data.Length / 8, W.Data.Count(w => w != 0));
        }

        if (variant == "default") Assert.Equal(4, total / report.Weights, 12);
        Assert.Empty(report.Fallbacks);
    }

    private QuantizationJobOptions Options(string output) => ToyJob.Options(model, folder[output]) with { Method = new ToyPlannedMethod() };

    private bool RunUntil(int steps, List<QuantizationProgress> seen)
    {
        using var source = new CancellationTokenSource();
        try
        {
            _ = QuantizationJob.Run(
                Options("out"),
                step =>
                {
                    seen.Add(step);
                    if (seen.Count == steps) source.Cancel();
                },
                source.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private sealed class Squares : IInputObserver
    {
        public Dictionary<int, double[]> Sums { get; } = [];

        public void Observe(int group, MatrixView<float> X)
        {
            if (!Sums.TryGetValue(group, out double[]? sum)) Sums.Add(group, sum = new double[X.Columns]);
            for (int t = 0; t < X.Rows; t++)
            {
                for (int j = 0; j < X.Columns; j++) sum[j] += (double)X[t, j] * X[t, j];
            }
        }
    }
}
