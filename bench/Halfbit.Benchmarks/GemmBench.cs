using System.Globalization;
using Halfbit.Numerics;

namespace Halfbit.Benchmarks;

/// <summary>Dense product C = A·Bᵀ against OpenBLAS (where installed), the two taking turns: <c>gemm [threads] [repetitions] [m,n,k ...]</c>.</summary>
internal static class GemmBench
{
    public static int Run(string[] args)
    {
        int threads = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : RowParallel.Threads;
        int repetitions = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 7;
        var shapes = args.Skip(2).Select(text => text.Split(',').Select(part => int.Parse(part, CultureInfo.InvariantCulture)).ToArray()).ToList();
        Console.WriteLine($"kernel {DenseKernel.Current.Name}; OpenBLAS: {GemmMeasurement.OpenBlasDescription}; best of {repetitions}, ratio: median of turns");
        Console.WriteLine("     m      n      k threads  GFLOP/s  OpenBLAS   ratio");
        if (shapes.Count == 0)
        {
            foreach (GemmRow row in GemmMeasurement.MeasureAll(threads, repetitions)) Print(row);
        }

        foreach (int[] shape in shapes) Print(GemmMeasurement.Measure(shape[0], shape[1], shape[2], threads, repetitions));
        return 0;
    }

    private static void Print(GemmRow row)
        => Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{row.M,6} {row.N,6} {row.K,6} {row.Threads,7} {row.Gflops,8:f1} {row.OpenBlasGflops,9:f1} {row.Ratio,7:f2}"));
}
