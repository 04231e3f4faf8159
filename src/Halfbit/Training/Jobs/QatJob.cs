using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Pipeline;
using Halfbit.Quantization;
using Halfbit.Statistics;

namespace Halfbit.Training;

/// <summary>
/// Quantization-aware training by PB-LLM: salient weights of each linear layer of the blocks are chosen once, stored at 8 bit and frozen; the others learn behind their signs. The result is packed.
/// </summary>
public sealed class QatJob
{
    /// <summary>Name of the method in records.</summary>
    public const string MethodName = "pb-llm-qat";

    private const string StateName = "state.safetensors";
    private const double DampingFraction = 0.01;
    private readonly QatOptions options;
    private readonly Action<TrainingProgress> report;
    private readonly CancellationToken cancellation;

    private QatJob(QatOptions options, Action<TrainingProgress>? report, CancellationToken cancellation)
    {
        (this.options, this.report, this.cancellation) = (options, report ?? (_ => { }), cancellation);
    }

    /// <summary>Runs a job to its end.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="progress">Told after every step, on the calling thread; or null.</param>
    /// <param name="cancellation">Ends the job after the current step, its state saved.</param>
    /// <exception cref="TrainingException">A value or text cannot be used, or training diverged.</exception>
    /// <exception cref="PipelineException">The output exists, or a partial job is another one.</exception>
    /// <exception cref="CheckpointException">The model, or the state of a partial job, cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the state is saved.</exception>
    public static TrainingReport Run(QatOptions options, Action<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return new QatJob(options, progress, cancellation).Run();
    }

    private TrainingReport Run()
    {
        var watch = Stopwatch.StartNew();
        using Checkpoint source = Checkpoint.Open(options.ModelFolder);
        ModelConfig config = ModelConfig.Read(source.ConfigPath);
        if (config.QuantizationConfig is not null)
            throw new PipelineException($"{source.ConfigPath}: quantization_config says that the model is quantized already; train the original model");
        TrainingTexts texts = TrainingTexts.Read(options.ModelFolder, config, options.Training);
        JsonObject identity = Identity(source, texts);
        using JobFolder folder = JobFolder.Enter(options.OutputFolder, options.ModelFolder, options.Resume, options.Overwrite, identity);
        try
        {
            SourceCheck.AllFinite(source, cancellation);
            TrainableModel<float> model = Load(source, config);
            string state = Path.Combine(folder.WorkFolder, StateName);
            bool goesOn = options.Resume && File.Exists(state);
            GiveForms(model, source, folder, goesOn);
            ITeacher<float>? teacher = options.TeacherShare > 0 ? new DecoderTeacher(Decoder.Open(source)) : null;
            var trainer = new Trainer(model, texts.Text, options.Training, new LossSettings(options.TeacherShare, options.Temperature), teacher);
            if (goesOn) trainer.Resume(state, identity);
            Train(trainer, model, texts, folder, () => trainer.Save(state, identity));
            IReadOnlyList<LayerRecord> layers = Write(model, source, folder, identity);
            double? perplexity = texts.MeasureWritten(folder.Folder, cancellation);
            LossCurve.Write(Path.Combine(folder.Folder, TrainingLog.FileName), Path.Combine(folder.Folder, LossCurve.FileName), perplexity);
            folder.Finish();
            using Checkpoint result = Checkpoint.Open(options.OutputFolder);
            return new TrainingReport(
                options.Training.Steps, (long)options.Training.Steps * options.Training.Batch * texts.Text.Length, perplexity, result.ByteCount, watch.Elapsed.TotalSeconds, Process.GetCurrentProcess().PeakWorkingSet64)
            {
                Layers = layers,
            };
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            folder.RemoveIfNothingIsKept();
            throw;
        }
    }

    private JsonObject Identity(Checkpoint source, TrainingTexts texts)
    {
        TrainingOptions training = options.Training;
        return new JsonObject
        {
            ["method"] = MethodName,
            ["options"] = new JsonObject
            {
                ["salient"] = Text(options.SalientFraction),
                ["salience"] = options.Salience == SalienceMetric.Hessian ? "hessian" : "magnitude",
                ["teacher"] = Text(options.TeacherShare),
                ["temperature"] = Text(options.Temperature),
                ["train"] = options.Trained.ToString().ToLowerInvariant(),
            },
            ["training"] = new JsonObject
            {
                ["steps"] = training.Steps,
                ["batch"] = training.Batch,
                ["microBatch"] = training.SequencesAtOnce(texts.Text.Length),
                ["sequenceLength"] = texts.Text.Length,
                ["lr"] = training.LearningRate,
                ["warmup"] = training.WarmUp,
                ["floor"] = training.Floor,
                ["weightDecay"] = training.WeightDecay,
                ["clip"] = training.Clip,
                ["seed"] = training.Seed,
                ["text"] = texts.Text.Fingerprint,
            },
            ["model"] = JobIdentity.Fingerprint(source),
        };

        static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
    }

    private TrainableModel<float> Load(Checkpoint source, ModelConfig config)
    {
        string prefix = source.TryFind("model.decoder.embed_positions.weight") is null && source.TryFind("decoder.embed_positions.weight") is not null ? "decoder." : "model.decoder.";
        TrainableModel<float> model = TrainableLoader<float>.Load(config, new CheckpointParameters<float>(source), IsTrained, prefix);
        model.KeptBlocks = model.BlocksThatFit(options.Training.SequencesAtOnce(options.Training.SequenceLength ?? Math.Min(512, config.MaxPositions)) * (options.Training.SequenceLength ?? Math.Min(512, config.MaxPositions)), options.Training.KeptBytes);
        return model;
    }

    private bool IsTrained(string name, ParameterRole role) => options.Trained switch
    {
        TrainedTensors.All => true,
        TrainedTensors.Norms => IsInBlock(name) || role is ParameterRole.NormWeight or ParameterRole.Bias,
        _ => IsInBlock(name) && (role is ParameterRole.Linear or ParameterRole.ResidualLinear || (role == ParameterRole.Bias && !name.Contains("norm", StringComparison.Ordinal))),
    };

    private static bool IsInBlock(string name) => name.Contains("layers.", StringComparison.Ordinal);

    /// <summary>Chooses the salient weights, or makes room for those of a saved state.</summary>
    private void GiveForms(TrainableModel<float> model, Checkpoint source, JobFolder folder, bool goesOn)
    {
        var form = new PbLlmTrainingOptions
        {
            SalientFraction = options.SalientFraction,
            Salience = options.Salience == SalienceMetric.Hessian ? SalienceRule.Hessian : SalienceRule.Magnitude,
        };
        if (goesOn || options.Salience != SalienceMetric.Hessian)
        {
            foreach (LinearUnit<float> linear in model.Linears)
                linear.Form = goesOn ? new PbLlmWeights<float>(linear.Rows, linear.Columns, form) : new PbLlmWeights<float>(linear.Weight.Value, form);
            return;
        }

        Decoder decoder = Decoder.Open(source);
        int length = options.Training.SequenceLength ?? Math.Min(512, decoder.Config.MaxPositions);
        CalibrationHessians.Of(decoder, options, length, folder.WorkFolder, (block, layer, H) =>
        {
            LinearUnit<float> linear = model.Blocks[block].Linears.Single(l => l.Name == layer);
            linear.Form = new PbLlmWeights<float>(linear.Weight.Value, form, HessianFactor.Create(H, DampingFraction));
        }, cancellation);
    }

    private void Train(Trainer trainer, TrainableModel<float> model, TrainingTexts texts, JobFolder folder, Action save)
    {
        using var log = new TrainingLog(Path.Combine(folder.Folder, TrainingLog.FileName), trainer.Step);
        Func<double>? evaluate = texts.Evaluation is null ? null : () => texts.Measure(model, options.Training.EvaluationTokens);
        trainer.Run(save, evaluate, progress =>
        {
            log.Add(progress);
            report(progress);
        }, cancellation);
    }

    /// <summary>Packs the layers and stores all that was trained.</summary>
    private static IReadOnlyList<LayerRecord> Write(TrainableModel<float> model, Checkpoint source, JobFolder folder, JsonObject identity)
    {
        Decoder decoder = Decoder.Open(source);
        HashSet<string> packed = [.. model.Linears.Select(l => l.Weight.Name)];
        using var output = new PackedOutput(folder.Folder, folder.WorkFolder, source, decoder)
        {
            Replaced = model.Parameters.Where(p => p.IsTrained && !packed.Contains(p.Name)).ToDictionary(p => p.Name, p => p.Value),
        };
        output.WriteOutside();
        foreach (DecoderBlock block in decoder.Blocks)
            output.WriteBlock(block, [.. block.Linears.Select(layer => TrainedLayer.Pack(layer, model.Blocks[block.Index].Linears.Single(l => l.Name == layer.Name)))]);
        output.WriteRecords(new JobRecord(identity, null, [.. output.Layers]));
        return output.Layers;
    }
}
