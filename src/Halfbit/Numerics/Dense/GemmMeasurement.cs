using System.Diagnostics;

namespace Halfbit.Numerics;

/// <summary>One measured shape of C = A·Bᵀ.</summary>
/// <param name="M">Rows of A (tokens).</param>
/// <param name="N">Rows of B (output features).</param>
/// <param name="K">Columns of both (input features).</param>
/// <param name="Threads">Threads used by both rivals.</param>
/// <param name="Gflops">10⁹ floating-point operations per second of the library's own product (2·M·N·K operations), best repetition.</param>
/// <param name="OpenBlasGflops">The same for OpenBLAS; null when it is not installed.</param>
/// <param name="Ratio">Own speed over OpenBLAS's: the median over repetitions in which the two ran one after the other; null when it is not installed.</param>
public sealed record GemmRow(int M, int N, int K, int Threads, double Gflops, double? OpenBlasGflops, double? Ratio);

/// <summary>Measures the library's own dense product and, where installed, OpenBLAS beside it.</summary>
/// <remarks>The rivals take turns within one run, so that other load on the machine meets both.</remarks>
public static class GemmMeasurement
{
    /// <summary>The shapes that <c>halfbit bench gemm</c> measures: a prompt, a training batch, few tokens, one token.</summary>
    public static IReadOnlyList<(int M, int N, int K)> DefaultShapes { get; } =
        [(1024, 4096, 4096), (512, 4096, 4096), (128, 4096, 4096), (16, 4096, 4096), (4, 4096, 4096), (1, 4096, 4096), (1024, 1024, 1024), (256, 256, 256), (4096, 4096, 256)];

    /// <summary>What OpenBLAS says of itself (version and core type), or that it is absent.</summary>
    public static string OpenBlasDescription => OpenBlasLibrary.IsAvailable ? OpenBlasLibrary.Describe() : "not installed";

    /// <summary>Measures one shape. Sets <see cref="RowParallel.Threads"/> for its duration.</summary>
    /// <param name="m">Rows of A, ≥ 1.</param>
    /// <param name="n">Rows of B, ≥ 1.</param>
    /// <param name="k">Columns of both, ≥ 1.</param>
    /// <param name="threads">Threads, ≥ 1.</param>
    /// <param name="repetitions">Turns of each rival, ≥ 1.</param>
    public static GemmRow Measure(int m, int n, int k, int threads, int repetitions = 7)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(m, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(repetitions, 1);
        Matrix A = RandomMatrix(m, k, 1);
        Matrix B = RandomMatrix(n, k, 2);
        var C = new Matrix(m, n);
        IDenseBackend own = DenseKernel.BackendOf(DenseKernel.Current);
        IDenseBackend? rival = OpenBlasLibrary.IsAvailable ? new OpenBlasBackend() : null;
        int before = RowParallel.Threads;
        RowParallel.Threads = threads;
        try
        {
            double operations = 2.0 * m * n * k;
            int calls = (int)Math.Clamp(1e9 / operations, 1, 2000);
            Time(own, A, B, C, 1);
            if (rival is not null) Time(rival, A, B, C, 1);
            var ratios = new List<double>();
            double best = double.MaxValue;
            double rivalBest = double.MaxValue;
            for (int r = 0; r < repetitions; r++)
            {
                double seconds = Time(own, A, B, C, calls);
                best = Math.Min(best, seconds);
                if (rival is null) continue;
                double rivalSeconds = Time(rival, A, B, C, calls);
                rivalBest = Math.Min(rivalBest, rivalSeconds);
                ratios.Add(rivalSeconds / seconds);
            }

            ratios.Sort();
            double gflops = operations / best / 1e9;
            return rival is null
                ? new GemmRow(m, n, k, threads, gflops, null, null)
                : new GemmRow(m, n, k, threads, gflops, operations / rivalBest / 1e9, ratios[ratios.Count / 2]);
        }
        finally
        {
            RowParallel.Threads = before;
        }
    }

    /// <summary>Measures every default shape on one thread and on <paramref name="threads"/>.</summary>
    public static IReadOnlyList<GemmRow> MeasureAll(int threads, int repetitions = 7)
    {
        int[] counts = threads == 1 ? [1] : [1, threads];
        return [.. counts.SelectMany(_ => DefaultShapes, (count, shape) => Measure(shape.M, shape.N, shape.K, count, repetitions))];
    }

    /// <summary>Seconds per call.</summary>
    private static double Time(IDenseBackend backend, Matrix A, Matrix B, Matrix C, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < calls; call++) backend.MultiplyTransposed(A.View, B.View, C.View, accumulate: false);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
    }

    private static Matrix RandomMatrix(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var matrix = new Matrix(rows, columns);
        foreach (ref float element in matrix.Data.AsSpan()) element = (random.NextSingle() * 2) - 1;
        return matrix;
    }
}
