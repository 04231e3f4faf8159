using System.Diagnostics;
using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Evaluation;

/// <summary>Measures products from packed bits: copies of a random matrix that together are far larger than the caches take turns, as the layers of a large model do.</summary>
/// <remarks>The one form and shape measured last is kept in memory; with the defaults all together take less than 3 GB.</remarks>
public sealed class KernelThroughput
{
    /// <summary>Bytes of the buffer whose reading is measured, at most.</summary>
    private const int BandwidthBytes = 768 << 20;

    /// <summary>Bytes of the dense matrices that take turns, at least.</summary>
    private const int DenseBytes = 256 << 20;

    private readonly int rotationBytes;
    private readonly MemoryBandwidth bandwidth;
    private Matrix[] dense = [];

    /// <summary>Prepares measurements.</summary>
    /// <param name="rotationBytes">Bytes of the packed matrices that take turns; default 1.25 GB, at least 2²⁰.</param>
    public KernelThroughput(int rotationBytes = 1_250_000_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rotationBytes, 1 << 20);
        this.rotationBytes = rotationBytes;
        bandwidth = new MemoryBandwidth(Math.Min(rotationBytes, BandwidthBytes));
    }

    /// <summary>Names of the forms, by how much they store.</summary>
    public static IReadOnlyList<string> Forms => RandomForms.Names;

    /// <summary>Rows of activations of a prompt.</summary>
    /// <value>Default 512.</value>
    public int PromptRows { get; init; } = 512;

    /// <summary>Turns, of which the median counts.</summary>
    /// <value>Default 3.</value>
    public int Turns { get; init; } = 3;

    /// <summary>Seconds of products with one row of activations in a turn, at least.</summary>
    /// <value>Default 0.1.</value>
    public double TurnSeconds { get; init; } = 0.1;

    /// <summary>Measures one form and shape.</summary>
    /// <param name="form">One of <see cref="Forms"/>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="threads">Numbers of threads; sets <see cref="RowParallel.Threads"/> for the duration.</param>
    /// <param name="precision">How activations are rounded.</param>
    /// <returns>A row for each number of threads.</returns>
    /// <exception cref="ArgumentException">An unknown form.</exception>
    public IReadOnlyList<KernelRow> Measure(string form, int rows, int columns, IReadOnlyList<int> threads, ActivationPrecision precision = ActivationPrecision.EightBits)
    {
        ArgumentNullException.ThrowIfNull(threads);
        TiledMatrix first = Tiled(form, rows, columns);
        TiledMatrix[] copies = [.. Enumerable.Range(0, CopiesOf(first.ByteCount, rotationBytes)).Select(k => k == 0 ? first : first.Copy())];
        PrepareDense(rows, columns);
        Matrix X = Random(PromptRows, columns);
        var Y = new Matrix(PromptRows, rows);
        int before = RowParallel.Threads;
        try
        {
            return [.. threads.Select(count =>
            {
                RowParallel.Threads = count;
                return MeasureRow(form, copies, X, Y, precision == ActivationPrecision.Exact) with { Threads = count };
            })];
        }
        finally
        {
            RowParallel.Threads = before;
        }
    }

    private KernelRow MeasureRow(string form, TiledMatrix[] copies, Matrix X, Matrix Y, bool isExact)
    {
        TiledMatrix first = copies[0];
        (int packedAt, int denseAt) = (0, 0);

        // Code is compiled, buffers grow, pages are touched.
        _ = SecondsPerCall(TurnSeconds / 4, () => copies[0].MultiplyTransposed(X.View.RowRange(0, 1), Y.View.RowRange(0, 1), isExact));
        _ = SecondsPerCall(0, () => DenseProduct.MultiplyTransposed(X.View.RowRange(0, 1), dense[0].View, Y.View.RowRange(0, 1)));

        var decode = new List<(double Read, double Packed, double Dense)>();
        for (int turn = 0; turn < Turns; turn++)
        {
            double read = bandwidth.Measure();
            double packed = SecondsPerCall(TurnSeconds, () => Next(copies, ref packedAt).MultiplyTransposed(X.View.RowRange(0, 1), Y.View.RowRange(0, 1), isExact));
            double single = SecondsPerCall(TurnSeconds / 4, () => DenseProduct.MultiplyTransposed(X.View.RowRange(0, 1), Next(dense, ref denseAt).View, Y.View.RowRange(0, 1)));
            decode.Add((read, packed, single));
        }

        var prompt = new List<(double Packed, double Dense)>();
        long start = Stopwatch.GetTimestamp();
        do
        {
            prompt.Add((
                SecondsPerCall(0, () => first.MultiplyTransposed(X.View, Y.View, isExact)),
                SecondsPerCall(0, () => DenseProduct.MultiplyTransposed(X.View, dense[0].View, Y.View))));
        }
        while (prompt.Count < Turns && Stopwatch.GetElapsedTime(start).TotalSeconds < 2 * TurnSeconds);

        double weights = (double)first.Rows * first.Columns;
        (double Read, double Packed, double Dense) ofDecode = Median(decode, t => t.Packed * t.Read);
        (double Packed, double Dense) ofPrompt = Median(prompt, t => t.Packed / t.Dense);
        return new KernelRow
        {
            Form = form,
            Rows = first.Rows,
            Columns = first.Columns,
            Threads = RowParallel.Threads,
            BitsPerWeight = 8.0 * first.ByteCount / weights,
            ReadBandwidth = ofDecode.Read,
            WeightsPerSecond = weights / ofDecode.Packed,
            DenseWeightsPerSecond = weights / ofDecode.Dense,
            PromptRows = PromptRows,
            PromptFlops = 2 * weights * PromptRows / ofPrompt.Packed,
            DensePromptFlops = 2 * weights * PromptRows / ofPrompt.Dense,
        };
    }

    private static TiledMatrix Tiled(string form, int rows, int columns)
    {
        QuantizedMatrix matrix = RandomForms.Create(form, rows, columns);
        return Tiling.Of(matrix, matrix) ?? throw new ArgumentException($"no kernel multiplies the form '{form}'", nameof(form));
    }

    private void PrepareDense(int rows, int columns)
    {
        if (dense.Length > 0 && dense[0].Rows == rows && dense[0].Columns == columns) return;
        dense = [];
        dense = [.. Enumerable.Range(0, CopiesOf(sizeof(float) * (long)rows * columns, Math.Min(rotationBytes, DenseBytes))).Select(_ => new Matrix(rows, columns))];
        float[] content = Random(rows, columns).Data;
        foreach (Matrix matrix in dense) content.CopyTo(matrix.Data, 0);
    }

    /// <summary>How many make up a number of bytes.</summary>
    private static int CopiesOf(long bytes, int total) => (int)((total + bytes - 1) / bytes);

    private static T Next<T>(T[] all, ref int at)
    {
        at = (at + 1) % all.Length;
        return all[at];
    }

    /// <summary>Calls until the time is over, at least once.</summary>
    private static double SecondsPerCall(double seconds, Action action)
    {
        long start = Stopwatch.GetTimestamp();
        for (int calls = 1; ; calls++)
        {
            action();
            double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (elapsed >= seconds) return elapsed / calls;
        }
    }

    /// <summary>The turn with the median of a number: what is reported together was measured together.</summary>
    private static T Median<T>(List<T> turns, Func<T, double> key) => turns.OrderBy(key).ElementAt(turns.Count / 2);

    /// <summary>Numbers between −0.5 and 0.5.</summary>
    private static Matrix Random(int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        uint state = 1;
        foreach (ref float element in matrix.Data.AsSpan())
        {
            state = (state * 1664525) + 1013904223;
            element = ((state >> 8) / (float)(1 << 24)) - 0.5f;
        }

        return matrix;
    }
}
