using Halfbit.Numerics;

namespace Halfbit.Tests.Reference;

/// <summary>tr((W − Q)·H·(W − Q)ᵀ) by its definition, in double precision.</summary>
internal static class QuadraticError
{
    public static double Of(Matrix W, Matrix Q, double[,] H)
    {
        double total = 0;
        for (int i = 0; i < W.Rows; i++)
        {
            for (int j = 0; j < W.Columns; j++)
            {
                for (int k = 0; k < W.Columns; k++) total += ((double)W[i, j] - Q[i, j]) * H[j, k] * ((double)W[i, k] - Q[i, k]);
            }
        }

        return total;
    }

    public static double Of(Matrix W, Matrix Q, Matrix H)
    {
        var wide = new double[H.Rows, H.Columns];
        for (int i = 0; i < H.Rows; i++)
        {
            for (int j = 0; j < H.Columns; j++) wide[i, j] = H[i, j];
        }

        return Of(W, Q, wide);
    }
}
