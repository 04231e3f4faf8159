using System.Diagnostics;
using Halfbit.Numerics;
using Halfbit.Quantization;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Benchmarks;

/// <summary>Time to quantize one square matrix with PB-LLM (hessian, 10 % salient, feedback on, block 128), the Hessian given.</summary>
internal static class LayerBench
{
    public static int Run(string[] args)
    {
        int size = args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 4096;
        (Matrix W, Matrix H) = SyntheticLayer.Create(size, size, seed: 1);
        IQuantizationMethod method = MethodCatalog.Create("pb-llm", new Dictionary<string, string>());
        for (int repeat = 0; repeat < 3; repeat++)
        {
            var statistics = new LayerStatistics(H);
            var watch = Stopwatch.StartNew();
            statistics.Factor(0.01);
            double factor = watch.Elapsed.TotalSeconds;
            method.Quantize(W, statistics, ScaleFormat.Exact);
            Console.WriteLine(FormattableString.Invariant($"{size}x{size} threads {RowParallel.Threads}: factor {factor:F2} s, total {watch.Elapsed.TotalSeconds:F2} s"));
        }

        return 0;
    }
}
