using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Tests.Models;

public sealed class AttentionTests
{
    [Theory]
    [InlineData(null, 1)]
    [InlineData(1, 1)]
    [InlineData(5, 2)]
    [InlineData(16, 4)]
    [InlineData(17, 2)]
    [InlineData(70, 1)]
    [InlineData(1000, 4)]
    public void Equals_the_definition_with_and_without_a_window(int? window, int sharing)
    {
        const int Count = 150;
        const int HeadSize = 12;
        const int Heads = 4;
        int keyValueHeads = Heads / sharing;
        Matrix Q = RandomMatrix.Create(Count, Heads * HeadSize, 1);
        Matrix K = RandomMatrix.Create(Count, keyValueHeads * HeadSize, 2);
        Matrix V = RandomMatrix.Create(Count, keyValueHeads * HeadSize, 3);
        for (int i = 0; i < Q.Data.Length; i++) Q.Data[i] *= 6;

        var actual = new Matrix(Count, Heads * HeadSize);
        new Attention(0, Heads, keyValueHeads, HeadSize, window).Apply(Q, K, V, actual, new SequenceBatch(new int[Count]));

        // Scores up to 6·d/√d ≈ 21 carry an error of d·2⁻²⁴·21 ≈ 1.5e-5, weights the same relative error, outputs are at most 1.
        double[,] expected = Definition(Q, K, V, Heads, sharing, HeadSize, window);
        for (int t = 0; t < Count; t++)
        {
            for (int j = 0; j < Heads * HeadSize; j++)
                Assert.True(Math.Abs(expected[t, j] - actual[t, j]) < 3e-5, $"query {t}, feature {j}: expected {expected[t, j]}, actual {actual[t, j]}");
        }
    }

    /// <summary>Query i sees keys j with i − W &lt; j ≤ i, one pair at a time in double precision.</summary>
    private static double[,] Definition(Matrix Q, Matrix K, Matrix V, int heads, int sharing, int d, int? window)
    {
        var O = new double[Q.Rows, heads * d];
        for (int h = 0; h < heads; h++)
        {
            int shared = h / sharing;
            for (int i = 0; i < Q.Rows; i++)
            {
                double denominator = 0;
                for (int j = 0; j <= i; j++)
                {
                    if (window is int W && j <= i - W) continue;
                    double score = 0;
                    for (int k = 0; k < d; k++) score += (double)Q[i, (h * d) + k] * K[j, (shared * d) + k];
                    double weight = Math.Exp(score / Math.Sqrt(d));
                    denominator += weight;
                    for (int k = 0; k < d; k++) O[i, (h * d) + k] += weight * V[j, (shared * d) + k];
                }

                for (int k = 0; k < d; k++) O[i, (h * d) + k] /= denominator;
            }
        }

        return O;
    }
}
