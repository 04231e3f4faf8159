using System.Text.Json.Nodes;
using Halfbit.Pipeline;

namespace Halfbit.Training;

/// <summary>What all training jobs do between loading a model and writing it, and at their end.</summary>
internal static class TrainingRun
{
    /// <summary>Trains to the last step, a line of metrics.jsonl for each.</summary>
    /// <param name="trainer">The loop.</param>
    /// <param name="model">The model, for measurements on the way.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="options">How many tokens are measured on the way.</param>
    /// <param name="folder">The job's folder.</param>
    /// <param name="save">Writes the state.</param>
    /// <param name="report">Told after each step.</param>
    /// <param name="cancellation">Ends the run after the current step.</param>
    public static void Train(
        Trainer trainer, TrainableModel<float> model, TrainingTexts texts, TrainingOptions options, JobFolder folder, Action save, Action<TrainingProgress> report, CancellationToken cancellation)
    {
        using var log = new TrainingLog(Path.Combine(folder.Folder, TrainingLog.FileName), trainer.Step);
        Func<double>? evaluate = texts.Evaluation is null ? null : () => texts.Measure(model, options.EvaluationTokens, options.SequencesAtOnce(texts.Text.Length) * texts.Text.Length);
        trainer.Run(save, evaluate, progress =>
        {
            log.Add(progress);
            report(progress);
        }, cancellation);
    }

    /// <summary>Whether a job was complete already: run twice.</summary>
    /// <param name="output">Its output.</param>
    /// <param name="identity">Its identity.</param>
    public static bool IsFinished(string output, JsonObject identity)
    {
        string record = Path.Combine(output, JobFolder.RecordName);
        return File.Exists(record) && JobIdentity.Difference(JobRecord.Read(record).Identity, identity) is null;
    }

    /// <summary>Measures the written model, draws the loss curve and gives the folder its name.</summary>
    /// <returns>Perplexity on the whole evaluation text; null without one.</returns>
    public static double? Close(TrainingTexts texts, JobFolder folder, CancellationToken cancellation)
    {
        double? perplexity = texts.MeasureWritten(folder.Folder, cancellation);
        LossCurve.Write(Path.Combine(folder.Folder, TrainingLog.FileName), Path.Combine(folder.Folder, LossCurve.FileName), perplexity);
        folder.Finish();
        return perplexity;
    }
}
