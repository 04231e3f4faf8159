using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>The choice of the weights that an N:M pattern keeps.</summary>
internal static class KeptSet
{
    /// <summary>Marks, in every run of M columns of every row, the weights of highest score; of equal scores the one further left.</summary>
    /// <param name="scores">[rows, n].</param>
    /// <param name="pattern">How many are kept; a last run cut short keeps <see cref="NOfM.KeptOfRun"/>.</param>
    public static BitMatrix Choose(Matrix scores, NOfM pattern)
    {
        var keep = new BitMatrix(scores.Rows, scores.Columns);
        RowParallel.For(scores.Rows, 16, (start, end) =>
        {
            Span<int> order = stackalloc int[NOfM.LargestRun];
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> row = scores.Row(i);
                for (int first = 0; first < row.Length; first += pattern.M)
                {
                    int width = Math.Min(pattern.M, row.Length - first);
                    Order(row.Slice(first, width), order);
                    int kept = pattern.KeptOfRun(first, row.Length);
                    for (int r = 0; r < kept; r++) keep[i, first + order[r]] = true;
                }
            }
        });
        return keep;
    }

    /// <summary>Indices of the scores from the highest to the lowest: insertion, as runs are short.</summary>
    private static void Order(ReadOnlySpan<float> scores, Span<int> order)
    {
        for (int j = 0; j < scores.Length; j++)
        {
            int at = j;
            while (at > 0 && scores[order[at - 1]] < scores[j])
            {
                order[at] = order[at - 1];
                at--;
            }

            order[at] = j;
        }
    }
}
