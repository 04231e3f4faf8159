using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Pipeline;

namespace Halfbit.Training;

/// <summary>Trains a model from random values and writes it as an ordinary checkpoint in single precision.</summary>
public sealed class ScratchJob
{
    private const string StateName = "state.safetensors";
    private const string MethodName = "train";
    private readonly ScratchOptions options;
    private readonly Action<TrainingProgress> report;
    private readonly CancellationToken cancellation;

    private ScratchJob(ScratchOptions options, Action<TrainingProgress>? report, CancellationToken cancellation)
    {
        (this.options, this.report, this.cancellation) = (options, report ?? (_ => { }), cancellation);
    }

    /// <summary>Runs a job to its end.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="progress">Told after every step, on the calling thread; or null.</param>
    /// <param name="cancellation">Ends the job after the current step, its state saved.</param>
    /// <exception cref="TrainingException">A value or text cannot be used, or training diverged.</exception>
    /// <exception cref="PipelineException">The output exists, or a partial job is another one.</exception>
    /// <exception cref="CheckpointException">The config, or the state of a partial job, cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the state is saved.</exception>
    public static TrainingReport Run(ScratchOptions options, Action<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Training.Validate();
        return new ScratchJob(options, progress, cancellation).Run();
    }

    private TrainingReport Run()
    {
        var watch = Stopwatch.StartNew();
        ModelConfig config = ModelConfig.Read(options.ConfigFile);
        if (config.QuantizationConfig is not null) throw new PipelineException($"{options.ConfigFile}: quantization_config belongs to a quantized model; give the config of the original model");
        TrainingTexts texts = TrainingTexts.Read(options.Tokenizer, config, options.Training);
        var identity = new JsonObject
        {
            ["method"] = MethodName,
            ["options"] = new JsonObject(),
            ["training"] = options.Training.Identity(texts.Text),
            ["model"] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(options.ConfigFile))),
        };
        double? perplexity = options.Resume && !options.Overwrite && TrainingRun.IsFinished(options.OutputFolder, identity)
            ? texts.MeasureWritten(options.OutputFolder, cancellation)
            : Train(config, texts, identity);
        using Checkpoint result = Checkpoint.Open(options.OutputFolder);
        return new TrainingReport(
            options.Training.Steps, (long)options.Training.Steps * options.Training.Batch * texts.Text.Length, perplexity, result.ByteCount, watch.Elapsed.TotalSeconds, Process.GetCurrentProcess().PeakWorkingSet64);
    }

    /// <returns>Perplexity of the written model; null without an evaluation text.</returns>
    private double? Train(ModelConfig config, TrainingTexts texts, JsonObject identity)
    {
        using JobFolder folder = JobFolder.Enter(options.OutputFolder, options.Tokenizer, options.Resume, options.Overwrite, identity);
        try
        {
            if (folder.IsComplete) return TrainingRun.Close(texts, folder, cancellation); // killed after the model was written
            TrainableModel<float> model = TrainableLoader<float>.Load(config, new RandomParameters<float>(options.Training.Seed, config.LayerCount));
            int length = texts.Text.Length;
            model.KeptBlocks = model.BlocksThatFit(options.Training.SequencesAtOnce(length) * length, options.Training.KeptBytes);
            var trainer = new Trainer(model, texts.Text, options.Training, LossSettings.CrossEntropy, teacher: null);
            string state = Path.Combine(folder.WorkFolder, StateName);
            if (options.Resume && File.Exists(state)) trainer.Resume(state, identity);
            TrainingRun.Train(trainer, model, texts, options.Training, folder, () => trainer.Save(state, identity), report, cancellation);
            Write(model, folder.Folder, identity);
            return TrainingRun.Close(texts, folder, cancellation);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            folder.RemoveIfNothingIsKept();
            throw;
        }
    }

    private void Write(TrainableModel<float> model, string folder, JsonObject identity)
    {
        TensorDeclaration[] tensors = [.. model.Parameters.Select(p => new TensorDeclaration(p.Name, ElementType.F32, p.IsVector ? [p.Value.Columns] : [p.Value.Rows, p.Value.Columns]))];
        using (var writer = new SafetensorsWriter(Path.Combine(folder, Checkpoint.SingleFileName), tensors, ModelFiles.Metadata))
        {
            foreach (Parameter<float> parameter in model.Parameters) writer.Write(ElementBytes.Of(parameter.Value.Data.AsSpan()));
            writer.Complete();
        }

        JsonObject config = JsonNode.Parse(File.ReadAllText(options.ConfigFile))!.AsObject();
        config["torch_dtype"] = "float32";
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), JobRecord.Text(config));
        ModelFiles.CopyTokenizer(options.Tokenizer, folder);
        new JobRecord(identity, null, []).Write(Path.Combine(folder, JobFolder.RecordName));
    }
}
