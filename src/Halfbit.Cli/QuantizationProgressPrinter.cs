using Halfbit.Pipeline;

namespace Halfbit.Cli;

/// <summary>A job's progress in words: block, layer, error, rate, time left.</summary>
/// <param name="label">Written before every line.</param>
/// <param name="isBrief">Whether single layers are left out.</param>
internal sealed class QuantizationProgressPrinter(string label = "", bool isBrief = false) : IDisposable
{
    private readonly ProgressLine line = new();
    private readonly string prefix = label.Length == 0 ? "" : label + ": ";

    public void Show(QuantizationProgress step)
    {
        switch (step.Stage)
        {
            case QuantizationStage.Layer or QuantizationStage.Block when isBrief:
                line.Update(() => $"{prefix}block {step.Block + 1}/{step.Blocks}");
                break;
            case QuantizationStage.Layer when step.Layer is LayerRecord layer:
                line.Keep(FormattableString.Invariant(
                    $"{prefix}block {step.Block + 1}/{step.Blocks}  {layer.Name}  [{layer.Rows}, {layer.Columns}]  {layer.TrueBits:F3} bits  relative error {layer.RelativeError:F4}  {layer.Seconds:F2} s"));
                break;
            case QuantizationStage.Block:
                line.Keep(FormattableString.Invariant($"{prefix}block {step.Block + 1}/{step.Blocks} stored, {line.TimeLeft(step.Done / (double)step.Total)}"));
                break;
            default:
                line.Update(() => $"{prefix}{Where(step)}: {What(step.Stage)} {step.Done}/{step.Total} sequences");
                break;
        }
    }

    public void Dispose() => line.Dispose();

    private static string Where(QuantizationProgress step) => step.Block < 0 ? "calibration" : $"block {step.Block + 1}/{step.Blocks}";

    private static string What(QuantizationStage stage) => stage switch
    {
        QuantizationStage.Calibration => "generated",
        QuantizationStage.Statistics => "statistics from",
        QuantizationStage.Replay => "replayed",
        QuantizationStage.Survey => "surveyed with",
        _ => "propagated",
    };
}
