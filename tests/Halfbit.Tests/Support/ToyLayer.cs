using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Tests.Support;

/// <summary>A seeded layer: weights, correlated inputs of uneven strength, and their Hessian.</summary>
internal sealed record ToyLayer(Matrix W, Matrix X, Matrix H)
{
    public LayerStatistics Statistics => new(H);

    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="dead">Input features that are always zero.</param>
    /// <param name="tokens">Rows of X; 3 per column when 0.</param>
    public static ToyLayer Create(int rows, int columns, int seed, int[]? dead = null, int tokens = 0)
    {
        var random = new Random(seed);
        var W = new Matrix(rows, columns, [.. Enumerable.Range(0, rows * columns).Select(_ => (float)(0.05 * Gauss(random)))]);
        if (tokens == 0) tokens = 3 * columns;
        var X = new Matrix(tokens, columns);
        double[] strength = [.. Enumerable.Range(0, columns).Select(_ => Math.Exp(0.7 * Gauss(random)))];
        for (int t = 0; t < tokens; t++)
        {
            double common = Gauss(random);
            for (int j = 0; j < columns; j++) X[t, j] = (dead ?? []).Contains(j) ? 0f : (float)(strength[j] * ((0.5 * common) + Gauss(random)));
        }

        return new ToyLayer(W, X, HessianOf(X));
    }

    /// <summary>2·XᵀX, summed in double precision.</summary>
    public static Matrix HessianOf(Matrix X)
    {
        var H = new Matrix(X.Columns, X.Columns);
        for (int i = 0; i < X.Columns; i++)
        {
            for (int j = 0; j < X.Columns; j++)
            {
                double sum = 0;
                for (int t = 0; t < X.Rows; t++) sum += (double)X[t, i] * X[t, j];
                H[i, j] = (float)(2 * sum);
            }
        }

        return H;
    }

    public static double Gauss(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
