using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Benchmarks;

/// <summary>A seeded layer with Gaussian weights and correlated inputs of uneven strength, as the reference cases have them.</summary>
internal static class SyntheticLayer
{
    /// <summary>Weights [rows, columns] and the Hessian [columns, columns] of 2·columns input tokens.</summary>
    public static (Matrix W, Matrix H) Create(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var W = new Matrix(rows, columns);
        for (int k = 0; k < W.Data.Length; k++) W.Data[k] = 0.02f * Normal(random);
        var accumulator = new HessianAccumulator(columns);
        const int Tokens = 512;
        var strength = new float[columns];
        for (int j = 0; j < columns; j++) strength[j] = MathF.Exp(0.7f * Normal(random));
        for (int sequence = 0; sequence < 2 * columns / Tokens || sequence == 0; sequence++)
        {
            var X = new Matrix(Tokens, columns);
            for (int t = 0; t < Tokens; t++)
            {
                float common = Normal(random);
                Span<float> x = X.Row(t);
                for (int j = 0; j < columns; j++) x[j] = strength[j] * (Normal(random) + (0.4f * common));
            }

            accumulator.Add(X.View);
        }

        return (W, accumulator.Finish());
    }

    private static float Normal(Random random)
        => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
