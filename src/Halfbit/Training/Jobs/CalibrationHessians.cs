using Halfbit.Calibration;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Pipeline;
using Halfbit.Quantization;

namespace Halfbit.Training;

/// <summary>Hessians of the inputs of all linear layers of the original model, one block's in memory at a time.</summary>
internal static class CalibrationHessians
{
    /// <summary>The post-training job that would be calibrated likewise.</summary>
    public static QuantizationJobOptions Options(QatOptions options) => new()
    {
        ModelFolder = options.ModelFolder,
        OutputFolder = options.OutputFolder,
        Method = MethodCatalog.Create("pb-llm", new Dictionary<string, string>()),
        CalibrationFile = options.CalibrationFile,
        Samples = options.CalibrationSamples,
        Seed = options.Training.Seed,
    };

    /// <summary>Runs calibration sequences through the original model.</summary>
    /// <param name="decoder">The original model.</param>
    /// <param name="options">Calibration text and number of sequences.</param>
    /// <param name="length">Tokens of a sequence.</param>
    /// <param name="workFolder">For hidden states that do not fit memory.</param>
    /// <param name="take">Receives block, name of the layer and Hessian.</param>
    /// <param name="cancellation">Ends the run.</param>
    public static void Of(Decoder decoder, QatOptions options, int length, string workFolder, Action<int, string, Matrix> take, CancellationToken cancellation)
    {
        CalibrationSet set = Calibrator.Create(Options(options), decoder, length, _ => { }, cancellation);
        using var walk = new CalibrationWalk(decoder, set, Path.Combine(workFolder, "hidden.scratch"), _ => { }, cancellation);
        foreach (DecoderBlock block in decoder.Blocks)
        {
            var statistics = new BlockStatistics(block);
            walk.Pass(block, statistics, QuantizationStage.Statistics);
            foreach (LinearGroup group in block.Groups)
            {
                Matrix H = statistics.Take(group.Index).Hessian;
                foreach (LinearLayer layer in group.Layers) take(block.Index, layer.Name, H);
            }

            block.Release();
        }
    }
}
