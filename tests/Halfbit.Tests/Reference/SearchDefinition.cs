using Halfbit.Quantization.Steps;

namespace Halfbit.Tests.Reference;

/// <summary>The searches of the block methods cell by cell, in double precision, written from their specification.</summary>
internal static class SearchDefinition
{
    /// <summary>R(x, M, order) of one row: the reconstruction, 0 outside the mask; sign(0) = +1.</summary>
    public static double[] Residual(double[] x, bool[] mask, double[] omega, int order, bool hasMeans)
    {
        int[] cells = [.. Enumerable.Range(0, x.Length).Where(j => mask[j])];
        var sum = new double[x.Length];
        double mass = cells.Sum(j => omega[j]);
        if (mass == 0) return sum;
        for (int k = 0; k < order; k++)
        {
            double mu = hasMeans ? cells.Sum(j => omega[j] * (x[j] - sum[j])) / mass : 0;
            double alpha = cells.Sum(j => omega[j] * Math.Abs(x[j] - sum[j] - mu)) / mass;
            foreach (int j in cells) sum[j] += (x[j] - sum[j] - mu >= 0 ? alpha : -alpha) + mu;
        }

        return sum;
    }

    /// <summary>Σω(S − ΣR(S, group, order))² over the cells of all groups.</summary>
    /// <param name="S">The matrix.</param>
    /// <param name="groupOf">The group of a cell; negative: in none.</param>
    /// <param name="orders">Planes of each group.</param>
    /// <param name="hasMeans">Whether planes have means.</param>
    public static double Error(SearchMatrix S, Func<int, int, int> groupOf, int[] orders, bool hasMeans)
    {
        double error = 0;
        for (int i = 0; i < S.Rows; i++)
        {
            double[] x = [.. S.Values.Row(i).ToArray().Select(v => (double)v)];
            for (int g = 0; g < orders.Length; g++)
            {
                bool[] mask = [.. Enumerable.Range(0, S.Columns).Select(j => S.IsKept(i, j) && groupOf(i, j) == g)];
                double[] R = Residual(x, mask, S.Omega, orders[g], hasMeans);
                for (int j = 0; j < x.Length; j++)
                {
                    if (mask[j]) error += S.Omega[j] * Math.Pow(x[j] - R[j], 2);
                }
            }
        }

        return error;
    }

    /// <summary>Errors of all numbers of salient columns, both parts of order 2.</summary>
    public static double[] ColumnErrors(SearchMatrix S, int fewest, int most, bool hasMeans)
    {
        double[] scores = [.. Enumerable.Range(0, S.Columns).Select(j => Enumerable.Range(0, S.Rows).Sum(i => S.IsKept(i, j) ? Math.Abs((double)S.Values[i, j]) : 0))];
        int[] order = [.. Enumerable.Range(0, S.Columns).OrderByDescending(j => scores[j]).ThenBy(j => j)];
        return [.. Enumerable.Range(fewest, most - fewest + 1).Select(k => Error(S, (_, j) => Array.IndexOf(order, j) < k ? 1 : 0, [2, 2], hasMeans))];
    }

    /// <summary>Errors of all candidate thresholds.</summary>
    public static double[] SplitErrors(SearchMatrix S, bool[] isExcluded, float[][] bounds, int planes, bool hasMeans)
    {
        int[] orders = [.. Enumerable.Repeat(planes, bounds.Length + 1)];
        return [.. Enumerable.Range(0, bounds[0].Length).Select(c =>
            Error(S, (i, j) => isExcluded[j] ? -1 : bounds.Count(b => MathF.Abs(S.Values[i, j]) >= b[c]), orders, hasMeans))];
    }
}
