using System.Diagnostics;
using System.Globalization;
using Halfbit.Numerics;

namespace Halfbit.Benchmarks;

/// <summary>The factor of the inverse, and the Gram sum that comes before it: <c>factor [threads] [repetitions] [n ...]</c>.</summary>
internal static class FactorBench
{
    public static int Run(string[] args)
    {
        int threads = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : RowParallel.Threads;
        int repetitions = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 3;
        int[] sizes = args.Length > 2 ? [.. args.Skip(2).Select(text => int.Parse(text, CultureInfo.InvariantCulture))] : [512, 1024, 2048, 4096];
        RowParallel.Threads = threads;
        Console.WriteLine($"kernel {DenseKernel.Current.Name}, products by {DenseBackend.Name}, {threads} threads, best of {repetitions}");
        Console.WriteLine("     n   factor s  GFLOP/s   gram of 2048 tokens s  GFLOP/s");
        foreach (int n in sizes)
        {
            Matrix X = RandomMatrix(2048, n);
            var H = new Matrix(n, n);
            var U = new Matrix(n, n);
            double gram = Best(repetitions, () => DenseProduct.AddGramUpper(X.View, H.View));
            for (int i = 0; i < n; i++) H[i, i] += 1f + (0.01f * H[i, i]);
            double factor = Best(repetitions, () => UpperFactor.OfInverse(H.View, U.View));
            double cube = (double)n * n * n;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{n,6} {factor,10:f3} {2 * cube / 3 / factor / 1e9,8:f1} {gram,23:f3} {2048.0 * n * n / gram / 1e9,8:f1}"));
        }

        return 0;
    }

    private static double Best(int repetitions, Action action)
    {
        double best = double.MaxValue;
        for (int r = 0; r < repetitions; r++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static Matrix RandomMatrix(int rows, int columns)
    {
        var random = new Random(1);
        var matrix = new Matrix(rows, columns);
        foreach (ref float element in matrix.Data.AsSpan()) element = (random.NextSingle() * 2) - 1;
        return matrix;
    }
}
