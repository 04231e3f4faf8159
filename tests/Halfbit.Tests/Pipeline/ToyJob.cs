using Halfbit.Packing;
using Halfbit.Pipeline;
using Halfbit.Quantization;

namespace Halfbit.Tests.Pipeline;

/// <summary>Jobs on toy models with few and short sequences.</summary>
internal static class ToyJob
{
    public const int Samples = 3;
    public const int SequenceLength = 24;

    public static QuantizationJobOptions Options(string model, string output, string method = "pb-llm", params (string Key, string Value)[] options) => new()
    {
        ModelFolder = model,
        OutputFolder = output,
        Method = MethodCatalog.Create(method, options.ToDictionary(o => o.Key, o => o.Value), m => Packer.Pack(m).Length),
        Samples = Samples,
        SequenceLength = SequenceLength,
    };

    /// <summary>Runs a job and cancels it at its n-th progress report.</summary>
    /// <returns>Whether the job was still running then.</returns>
    public static bool RunUntil(QuantizationJobOptions options, int reports)
    {
        using var source = new CancellationTokenSource();
        int seen = 0;
        try
        {
            _ = QuantizationJob.Run(
                options,
                _ =>
                {
                    if (++seen == reports) source.Cancel();
                },
                source.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }
}
