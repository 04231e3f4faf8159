using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>What a search for salient columns found.</summary>
/// <param name="IsSalient">[w].</param>
/// <param name="Count">Number of salient columns k.</param>
/// <param name="Fewest">Smallest k that was tried.</param>
/// <param name="Errors">[k − Fewest], Σω(S − Ŝ)² over the block for every k; the search takes its first minimum.</param>
internal sealed record SalientColumns(bool[] IsSalient, int Count, int Fewest, double[] Errors)
{
    /// <summary>The least error.</summary>
    public double Error => Errors[Count - Fewest];
}

/// <summary>
/// How many columns of a block are salient: columns in descending order of their scores; for every number k, the first k and the rest are each binarized with
/// two planes per row, and the k of least squared error wins (BiLLM, arXiv 2402.04291; also STBLLM and ARB-LLM).
/// </summary>
/// <remarks>
/// Both parts have two planes here although the rest gets one later: as in the released programs, a proxy. Lanes hold rows: each row sees the same operations at any
/// vector width (<see cref="TwoPlaneLanes"/>).
/// </remarks>
internal static class SalientColumnSearch
{
    /// <summary>Most salient columns of a block in the released programs, which score 50 columns and try all but the last.</summary>
    public const int Most = 49;

    private const int ChunkRows = 64;

    /// <summary>Finds the salient columns.</summary>
    /// <param name="S">[rows, w].</param>
    /// <param name="scores">[w]; columns become salient in descending order, ties by lower index. <see cref="SearchMatrix.ColumnSums"/> in the released programs.</param>
    /// <param name="fewest">Smallest k tried, ≥ 0; 1 in the released programs.</param>
    /// <param name="most">Largest k tried, at most w.</param>
    /// <param name="hasMeans">Whether planes have means.</param>
    public static SalientColumns Find(SearchMatrix S, ReadOnlySpan<double> scores, int fewest, int most, bool hasMeans = true)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, S.Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, fewest);
        int[] order = Descending(scores);
        double[] errors = Errors(S, order, fewest, most, hasMeans);
        int best = 0;
        for (int k = 1; k < errors.Length; k++)
        {
            if (errors[k] < errors[best]) best = k;
        }

        var isSalient = new bool[S.Columns];
        for (int k = 0; k < fewest + best; k++) isSalient[order[k]] = true;
        return new SalientColumns(isSalient, fewest + best, fewest, errors);
    }

    /// <summary>Indices in descending order of their scores; ties by lower index.</summary>
    private static int[] Descending(ReadOnlySpan<double> scores)
    {
        var order = new int[scores.Length];
        var keys = new double[scores.Length];
        for (int j = 0; j < order.Length; j++) (order[j], keys[j]) = (j, scores[j]);
        Array.Sort(order, (a, b) => keys[a] != keys[b] ? keys[b].CompareTo(keys[a]) : a.CompareTo(b));
        return order;
    }

    private static double[] Errors(SearchMatrix S, int[] order, int fewest, int most, bool hasMeans)
    {
        int tried = most - fewest + 1;
        int chunks = ((S.Rows - 1) / ChunkRows) + 1;
        var ofChunk = new double[chunks * tried];
        RowParallel.For(S.Rows, ChunkRows, (start, end) =>
        {
            TwoPlaneLanes lanes = TwoPlaneLanes.ForThread(S.Columns);
            Span<double> gain = stackalloc double[TwoPlaneLanes.Rows];
            Span<double> sums = ofChunk.AsSpan(start / ChunkRows * tried, tried);
            for (int row = start; row < end; row += TwoPlaneLanes.Rows)
            {
                int rows = Math.Min(TwoPlaneLanes.Rows, end - row);
                lanes.Load(S, row, rows, order);
                for (int k = 0; k < tried; k++)
                {
                    lanes.TwoPlaneGain(fewest + k, hasMeans, gain);
                    for (int r = 0; r < rows; r++) sums[k] += lanes.Energy(r) - gain[r];
                }
            }
        });
        var errors = new double[tried];
        for (int c = 0; c < chunks; c++)
        {
            for (int k = 0; k < tried; k++) errors[k] += ofChunk[(c * tried) + k];
        }

        return errors;
    }
}
