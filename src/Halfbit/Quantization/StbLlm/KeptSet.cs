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
            for (int i = start; i < end; i++) _ = ChooseRow(scores.Row(i), pattern, keep, i, 0);
        });
        return keep;
    }

    /// <summary>The same for some columns of one row.</summary>
    /// <param name="scores">[w]; a run starts with the first.</param>
    /// <param name="pattern">How many are kept.</param>
    /// <param name="keep">[rows, ≥ first + w], receives the choice.</param>
    /// <param name="row">Row of <paramref name="keep"/>.</param>
    /// <param name="first">Its column for the first score.</param>
    /// <returns>Whether anything changed.</returns>
    public static bool ChooseRow(ReadOnlySpan<float> scores, NOfM pattern, BitMatrix keep, int row, int first)
    {
        bool hasChanged = false;
        Span<int> order = stackalloc int[NOfM.LargestRun];
        for (int start = 0; start < scores.Length; start += pattern.M)
        {
            int width = Math.Min(pattern.M, scores.Length - start);
            Order(scores.Slice(start, width), order);
            int kept = pattern.KeptOfRun(start, scores.Length);
            for (int rank = 0; rank < width; rank++)
            {
                int j = first + start + order[rank];
                if (keep[row, j] == rank < kept) continue;
                keep[row, j] = rank < kept;
                hasChanged = true;
            }
        }

        return hasChanged;
    }

    /// <summary>Sets the weights that are not kept to zero.</summary>
    /// <param name="keep">[rows, ≥ first + w].</param>
    /// <param name="row">Row of <paramref name="keep"/>.</param>
    /// <param name="first">Its column for the first weight.</param>
    /// <param name="w">[w], weights of the row.</param>
    public static void ClearOthers(BitMatrix keep, int row, int first, Span<float> w)
    {
        for (int j = 0; j < w.Length; j++)
        {
            if (!keep[row, first + j]) w[j] = 0f;
        }
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
