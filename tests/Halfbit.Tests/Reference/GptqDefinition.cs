using Halfbit.Numerics;

namespace Halfbit.Tests.Reference;

/// <summary>
/// GPTQ column by column in double precision, written from its specification: grid of a group from the fully compensated weights when the walk reaches
/// it, q = clamp(round(w/s) + z), w_k −= (w_j − q_j)/U_jj·U_jk. Without U it is plain rounding.
/// </summary>
internal static class GptqDefinition
{
    /// <returns>Q, and how far each weight was from falling to the neighbouring level, in levels.</returns>
    public static (double[,] Q, double[,] Margin) Quantize(Matrix W, double[,]? U, bool[] isDead, int bits, int groupSize, bool isSymmetric)
    {
        int width = groupSize == -1 ? W.Columns : groupSize;
        int levels = 1 << bits;
        var Q = new double[W.Rows, W.Columns];
        var margin = new double[W.Rows, W.Columns];
        for (int i = 0; i < W.Rows; i++)
        {
            var w = new double[W.Columns];
            for (int j = 0; j < w.Length; j++) w[j] = isDead[j] ? 0 : W[i, j];
            double scale = 0;
            double zero = 0;
            double zeroMargin = 0;
            for (int j = 0; j < w.Length; j++)
            {
                if (j % width == 0) (scale, zero, zeroMargin) = Grid(w.AsSpan(j, Math.Min(width, w.Length - j)), levels, isSymmetric);
                double code = Math.Clamp(Math.Round(w[j] / scale, MidpointRounding.ToEven) + zero, 0, levels - 1);
                Q[i, j] = scale * (code - zero);
                margin[i, j] = Math.Min(zeroMargin, MarginOf(w[j] / scale));
                if (U is null) continue;
                double e = (w[j] - Q[i, j]) / U[j, j];
                for (int k = j + 1; k < w.Length; k++) w[k] -= e * U[j, k];
            }
        }

        return (Q, margin);
    }

    private static (double Scale, double Zero, double ZeroMargin) Grid(ReadOnlySpan<double> w, int levels, bool isSymmetric)
    {
        double low = 0;
        double high = 0;
        foreach (double x in w) (low, high) = (Math.Min(low, x), Math.Max(high, x));
        if (low == 0 && high == 0) (low, high) = (-1, 1);
        if (isSymmetric) return (2 * Math.Max(-low, high) / (levels - 1), levels / 2, 0.5);
        double scale = (high - low) / (levels - 1);
        return (scale, Math.Round(-low / scale, MidpointRounding.ToEven), MarginOf(-low / scale));
    }

    /// <summary>Distance to the nearest half-integer.</summary>
    private static double MarginOf(double x) => Math.Abs(x - Math.Floor(x) - 0.5);
}
