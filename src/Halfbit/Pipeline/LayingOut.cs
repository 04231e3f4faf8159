using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Packing;

namespace Halfbit.Pipeline;

/// <summary>Lays coded matrices out to run, several at once: decoding one is the work of one thread. Each has the same bytes for any number of threads.</summary>
internal static class LayingOut
{
    /// <summary>Weights for each thread that are decoded, and laid out but not yet taken, at a time: four matrices of LLaMA-7B of 4096 × 4096, or its largest, about 0.15 GB.</summary>
    private const int WeightsPerThread = 1 << 26;

    /// <summary>The same for all threads together.</summary>
    private const long MostWeights = 1 << 29;

    /// <summary>The kernel forms of matrices, null where one has none, in the order of the matrices.</summary>
    /// <param name="matrices">The matrices; they stay open.</param>
    /// <param name="precision">How activations are rounded.</param>
    /// <param name="weightsPerThread">Weights at a time, for each thread.</param>
    /// <param name="cancellation">Looked at before each matrix.</param>
    /// <remarks>Laid out as they are asked for, in groups that take as much memory as these numbers say (or of one matrix, whose tiles are then written by all threads). What decoding a group took is given back before it is handed over, and what was not kept of it before the next.</remarks>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IEnumerable<TiledMatrix?> Of(IReadOnlyList<PackedMatrix> matrices, ActivationPrecision precision, int weightsPerThread = WeightsPerThread, CancellationToken cancellation = default)
    {
        long most = Math.Min(MostWeights, (long)weightsPerThread * RowParallel.Threads);
        for (int start = 0, end; start < matrices.Count; start = end)
        {
            long weights = WeightsOf(matrices[start]);
            for (end = start + 1; end < matrices.Count && weights + WeightsOf(matrices[end]) <= most; end++) weights += WeightsOf(matrices[end]);
            TiledMatrix?[] group = Group([.. matrices.Skip(start).Take(end - start)], precision, cancellation);
            LargeGarbage.Collect(weights);
            for (int k = 0; k < group.Length; k++)
            {
                yield return group[k];
                group[k] = null; // whoever has taken it decides how long it lives
            }

            LargeGarbage.Collect(weights);
        }
    }

    private static TiledMatrix?[] Group(PackedMatrix[] matrices, ActivationPrecision precision, CancellationToken cancellation)
    {
        var tiles = new TiledMatrix?[matrices.Length];

        // The largest first: a thread that took it last would let the others wait.
        int[] order = [.. Enumerable.Range(0, matrices.Length).OrderByDescending(k => WeightsOf(matrices[k]))];
        RowParallel.For(order.Length, 1, (start, end) =>
        {
            for (int n = start; n < end; n++)
            {
                cancellation.ThrowIfCancellationRequested();
                tiles[order[n]] = TiledMatrix.Of(matrices[order[n]], precision);
            }
        });
        return tiles;
    }

    private static long WeightsOf(PackedMatrix matrix) => (long)matrix.Rows * matrix.Columns;
}
