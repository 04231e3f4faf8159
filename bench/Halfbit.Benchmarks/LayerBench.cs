using System.Diagnostics;
using System.Globalization;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Benchmarks;

/// <summary>Time to quantize one square matrix on one thread with each published method, or those named, default and released form, the Hessian given.</summary>
internal static class LayerBench
{
    private const int Repeats = 3;

    /// <summary>Seconds of the authors' programs at 4096×4096, one thread of a machine like ours (CPU, fp32), from the reference data's provenance note.</summary>
    private static readonly OrderedDictionary<string, double> AuthorsSeconds = new() { ["pb-llm"] = 12, ["billm"] = 119, ["stbllm"] = 198, ["arb-llm"] = 210 };

    public static int Run(string[] args)
    {
        int size = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 4096;
        RowParallel.Threads = 1;
        (Matrix W, Matrix H) = SyntheticLayer.Create(size, size, seed: 1);
        foreach (string name in args.Length > 1 ? args[1..] : [.. AuthorsSeconds.Keys])
        {
            foreach (string variant in (string[])["default", "released"])
            {
                IQuantizationMethod method = MethodCatalog.Create(name, new Dictionary<string, string> { ["variant"] = variant });
                double best = double.MaxValue;
                for (int repeat = 0; repeat < Repeats; repeat++)
                {
                    var watch = Stopwatch.StartNew();
                    method.Quantize(W, new LayerStatistics(H), ScaleFormat.Exact);
                    best = Math.Min(best, watch.Elapsed.TotalSeconds);
                }

                string ratio = size == 4096 && AuthorsSeconds.TryGetValue(name, out double authorsSeconds)
                    ? FormattableString.Invariant($", the authors' program {authorsSeconds} s: {authorsSeconds / best:F1} times faster")
                    : string.Empty;
                Console.WriteLine(FormattableString.Invariant($"{name} {variant} [{size}, {size}], 1 thread: {best:F2} s{ratio}"));
            }
        }

        return 0;
    }
}
