using System.Diagnostics;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Evaluation;

/// <summary>How fast one form of packed weights multiplies.</summary>
/// <param name="Form">The form; see <see cref="RandomForms"/>.</param>
/// <param name="Rows">Rows of the matrix.</param>
/// <param name="Columns">Columns of the matrix.</param>
/// <param name="Threads">Threads.</param>
/// <param name="BitsPerWeight">Bits per weight in memory.</param>
/// <param name="WeightsPerSecond">Weights per second with one row of activations, from memory.</param>
/// <param name="BytesPerSecond">Bytes of weights per second, likewise.</param>
/// <param name="ReadBandwidth">Bytes per second that the same threads can read, measured in turns with the products.</param>
/// <param name="PromptFlops">Operations per second with many rows of activations, two for each weight and row.</param>
/// <param name="DenseFlops">The same for a dense product in single precision.</param>
public sealed record KernelRow(
    string Form, int Rows, int Columns, int Threads, double BitsPerWeight, double WeightsPerSecond, double BytesPerSecond, double ReadBandwidth, double PromptFlops, double DenseFlops)
{
    /// <summary>Share of the read bandwidth that the products reach.</summary>
    public double Share => BytesPerSecond / ReadBandwidth;
}

/// <summary>Measures products from packed bits: matrices of random content that together are far larger than the caches.</summary>
public sealed class KernelThroughput
{
    private readonly MemoryBandwidth bandwidth;

    /// <summary>Prepares measurements.</summary>
    /// <param name="rotationBytes">Bytes of the matrices that take turns, and of the buffer whose reading is measured; default 1.25 GB.</param>
    public KernelThroughput(int rotationBytes = 1_250_000_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rotationBytes, 1 << 20);
        RotationBytes = rotationBytes;
        bandwidth = new MemoryBandwidth(rotationBytes);
    }

    /// <summary>Bytes of the matrices that take turns.</summary>
    public int RotationBytes { get; }

    /// <summary>Rows of activations of a prompt.</summary>
    /// <value>Default 512.</value>
    public int PromptRows { get; init; } = 512;

    /// <summary>Turns, of which the median counts.</summary>
    /// <value>Default 5.</value>
    public int Turns { get; init; } = 5;

    /// <summary>Measures one form and shape.</summary>
    /// <param name="form">See <see cref="RandomForms"/>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="threads">Numbers of threads; sets <see cref="RowParallel.Threads"/> for the duration.</param>
    /// <param name="isExact">Whether activations keep 24 bits.</param>
    /// <returns>A row for each number of threads.</returns>
    public IReadOnlyList<KernelRow> Measure(string form, int rows, int columns, IReadOnlyList<int> threads, bool isExact = false)
    {
        ArgumentNullException.ThrowIfNull(threads);
        QuantizedMatrix matrix = RandomForms.Create(form, rows, columns);
        TiledMatrix first = Tiling.Of(matrix, matrix) ?? throw new ArgumentException($"no kernel multiplies the form '{form}'", nameof(form));
        TiledMatrix[] copies = [.. Enumerable.Range(0, (int)Math.Max(1, (RotationBytes + first.ByteCount - 1) / first.ByteCount)).Select(k => k == 0 ? first : first.Copy())];
        Matrix X = RandomActivations(PromptRows, columns);
        var Y = new Matrix(PromptRows, rows);
        int before = RowParallel.Threads;
        try
        {
            return [.. threads.Select(count =>
            {
                RowParallel.Threads = count;
                return MeasureRow(form, first, copies, X, Y, isExact);
            })];
        }
        finally
        {
            RowParallel.Threads = before;
        }
    }

    private KernelRow MeasureRow(string form, TiledMatrix first, TiledMatrix[] copies, Matrix X, Matrix Y, bool isExact)
    {
        var dense = new Matrix(first.Rows, first.Columns);
        first.ReadRows(0, dense.View);
        first.MultiplyTransposed(X.View, Y.View, isExact);
        DenseProduct.MultiplyTransposed(X.View, dense.View, Y.View);
        var turns = new List<(double Read, double Decode, double Prompt, double Dense)>();
        for (int turn = 0; turn < Turns; turn++)
        {
            double read = bandwidth.Measure();
            double decode = Seconds(() =>
            {
                foreach (TiledMatrix copy in copies) copy.MultiplyTransposed(X.View.RowRange(0, 1), Y.View.RowRange(0, 1), isExact);
            });
            turns.Add((read, decode, Seconds(() => first.MultiplyTransposed(X.View, Y.View, isExact)), Seconds(() => DenseProduct.MultiplyTransposed(X.View, dense.View, Y.View))));
        }

        double weights = (double)first.Rows * first.Columns;
        double seconds = Median(turns.Select(t => t.Decode)) / copies.Length;
        return new KernelRow(
            form,
            first.Rows,
            first.Columns,
            RowParallel.Threads,
            8.0 * first.ByteCount / weights,
            weights / seconds,
            first.ByteCount / seconds,
            Median(turns.Select(t => t.Read)),
            2 * weights * PromptRows / Median(turns.Select(t => t.Prompt)),
            2 * weights * PromptRows / Median(turns.Select(t => t.Dense)));
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static Matrix RandomActivations(int rows, int columns)
    {
        var random = new Random(2);
        var X = new Matrix(rows, columns);
        for (int t = 0; t < rows; t++)
        {
            for (int j = 0; j < columns; j++) X[t, j] = random.NextSingle() - 0.5f;
        }

        return X;
    }
}
