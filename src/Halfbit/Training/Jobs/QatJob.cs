using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Pipeline;
using Halfbit.Quantization;

namespace Halfbit.Training;

/// <summary>
/// Quantization-aware training by PB-LLM: salient weights of each linear layer of the blocks are chosen once, stored at 8 bit and frozen; the others learn behind their signs. The result is packed.
/// </summary>
public sealed class QatJob
{
    /// <summary>Name of the method in records.</summary>
    public const string MethodName = "pb-llm-qat";

    private const string StateName = "state.safetensors";
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
        double? perplexity = options.Resume && !options.Overwrite && TrainingRun.IsFinished(options.OutputFolder, identity)
            ? texts.MeasureWritten(options.OutputFolder, cancellation)
            : Train(source, config, texts, identity);
        using Checkpoint result = Checkpoint.Open(options.OutputFolder);
        return new TrainingReport(
            options.Training.Steps, (long)options.Training.Steps * options.Training.Batch * texts.Text.Length, perplexity, result.ByteCount, watch.Elapsed.TotalSeconds, Process.GetCurrentProcess().PeakWorkingSet64)
        {
            Layers = JobRecord.Read(Path.Combine(options.OutputFolder, JobFolder.RecordName)).Layers,
        };
    }

    /// <returns>Perplexity of the written model; null without an evaluation text.</returns>
    private double? Train(Checkpoint source, ModelConfig config, TrainingTexts texts, JsonObject identity)
    {
        using JobFolder folder = JobFolder.Enter(options.OutputFolder, options.ModelFolder, options.Resume, options.Overwrite, identity);
        try
        {
            if (folder.IsComplete) return TrainingRun.Close(texts, folder, cancellation); // killed after the model was written
            SourceCheck.AllFinite(source, cancellation);
            TrainableModel<float> model = Load(source, config);
            string state = Path.Combine(folder.WorkFolder, StateName);
            bool goesOn = options.Resume && File.Exists(state);
            new WeightForms(options).Give(model, source, folder.WorkFolder, goesOn, cancellation);
            ITeacher<float>? teacher = options.TeacherShare > 0 ? new DecoderTeacher(Decoder.Open(source)) : null;
            var trainer = new Trainer(model, texts.Text, options.Training, new LossSettings(options.TeacherShare, options.Temperature), teacher);
            if (goesOn) trainer.Resume(state, identity);
            TrainingRun.Train(trainer, model, texts, options.Training, folder, () => trainer.Save(state, identity), report, cancellation);
            Write(model, source, folder, identity);
            return TrainingRun.Close(texts, folder, cancellation);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            folder.RemoveIfNothingIsKept();
            throw;
        }
    }

    private JsonObject Identity(Checkpoint source, TrainingTexts texts)
    {
        var identity = new JsonObject
        {
            ["method"] = MethodName,
            ["options"] = new JsonObject
            {
                ["salient"] = options.Binary is null ? Text(options.SalientFraction) : null,
                ["salience"] = options.Binary is not null || options.StartFolder is not null ? null : options.Salience == SalienceMetric.Hessian ? "hessian" : "magnitude",
                ["binary"] = options.Binary?.ToString().ToLowerInvariant(),
                ["from"] = options.StartFolder is null ? null : StartFingerprint(),
                ["teacher"] = Text(options.TeacherShare),
                ["temperature"] = Text(options.Temperature),
                ["train"] = options.Trained.ToString().ToLowerInvariant(),
            },
            ["training"] = options.Training.Identity(texts.Text),
            ["model"] = source.Fingerprint(),
        };
        if (options is { Salience: SalienceMetric.Hessian, Binary: null, StartFolder: null }) identity["calibration"] = JobIdentity.Calibration(CalibrationHessians.Options(options), texts.Text.Length);
        return identity;

        static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
    }

    private TrainableModel<float> Load(Checkpoint source, ModelConfig config)
    {
        string prefix = source.TryFind("model.decoder.embed_positions.weight") is null && source.TryFind("decoder.embed_positions.weight") is not null ? "decoder." : "model.decoder.";
        TrainableModel<float> model = TrainableLoader<float>.Load(config, new CheckpointParameters<float>(source), IsTrained, prefix);
        int length = options.Training.LengthFor(config);
        model.KeptBlocks = model.BlocksThatFit(options.Training.SequencesAtOnce(length) * length, options.Training.KeptBytes);
        return model;
    }

    private bool IsTrained(string name, ParameterRole role) => options.Trained switch
    {
        TrainedTensors.All => true,
        TrainedTensors.Norms => IsInBlock(name) || role is ParameterRole.NormWeight or ParameterRole.Bias,
        _ => IsInBlock(name) && (role is ParameterRole.Linear or ParameterRole.ResidualLinear || (role == ParameterRole.Bias && !name.Contains("norm", StringComparison.Ordinal))),
    };

    private static bool IsInBlock(string name) => name.Contains("layers.", StringComparison.Ordinal);

    private string StartFingerprint()
    {
        using Checkpoint start = Checkpoint.Open(options.StartFolder!);
        return start.Fingerprint();
    }

    /// <summary>Packs the layers and stores all that was trained.</summary>
    private static void Write(TrainableModel<float> model, Checkpoint source, JobFolder folder, JsonObject identity)
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
    }
}
