using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class AttentionOperationTests
{
    [Theory]
    [InlineData(1, 1, 1, 1, 1, null)]
    [InlineData(2, 5, 3, 1, 6, null)]
    [InlineData(1, 7, 4, 2, 3, 3)]
    [InlineData(3, 4, 2, 2, 2, 1)]
    [InlineData(1, 6, 2, 1, 5, 6)]
    [InlineData(1, 70, 2, 1, 2, null)]
    [InlineData(1, 140, 1, 1, 3, 9)]
    public void Gradients_are_those_of_the_forward_pass(int sequences, int length, int heads, int keyValueHeads, int headSize, int? window)
        => OperationCheck.Gradients(new AttentionCase(sequences, new AttentionShape(length, heads, keyValueHeads, headSize, window)), length);

    [Theory]
    [InlineData(2, 5, 3, 1, 6, null)]
    [InlineData(1, 130, 4, 2, 8, null)]
    [InlineData(2, 100, 2, 2, 7, 20)]
    public void It_is_the_attention_that_runs_models_up_to_rounding(int sequences, int length, int heads, int keyValueHeads, int headSize, int? window)
    {
        var random = new Random(length);
        int tokens = sequences * length;
        Matrix Q = Draw(tokens, heads * headSize, random), K = Draw(tokens, keyValueHeads * headSize, random), V = Draw(tokens, keyValueHeads * headSize, random);
        var expected = new Matrix(tokens, heads * headSize);
        var batch = new SequenceBatch();
        for (int s = 0; s < sequences; s++) batch.Add(new int[length]);
        new Attention(0, heads, keyValueHeads, headSize, window).Apply(Q, K, V, expected, batch);

        var actual = new Matrix<float>(tokens, heads * headSize);
        AttentionOperation.Forward(Single(Q), Single(K), Single(V), new AttentionShape(length, heads, keyValueHeads, headSize, window), actual, new Matrix<float>(tokens, heads));

        // weights of sum 1 over values below 1: errors are some roundings of 1
        for (int index = 0; index < actual.Data.Length; index++) Assert.InRange(actual.Data[index], expected.Data[index] - 2e-6f, expected.Data[index] + 2e-6f);
    }

    [Fact]
    public void The_kept_sums_are_the_logarithms_of_the_exponentials()
    {
        var random = new Random(2);
        var shape = new AttentionShape(9, 2, 1, 4, 5);
        Matrix<double> Q = DrawDouble(18, 8, random), K = DrawDouble(18, 4, random), V = DrawDouble(18, 4, random), O = new(18, 8), logSums = new(18, 2);
        AttentionOperation.Forward(Q, K, V, shape, O, logSums);
        for (int t = 0; t < 18; t++)
        {
            for (int h = 0; h < 2; h++)
            {
                double sum = 0;
                var output = new double[4];
                for (int k = Math.Max(t / 9 * 9, t - 4); k <= t; k++)
                {
                    double score = 0;
                    for (int j = 0; j < 4; j++) score += Q[t, (4 * h) + j] * K[k, j];
                    double weight = Math.Exp(score / 2);
                    sum += weight;
                    for (int j = 0; j < 4; j++) output[j] += weight * V[k, j];
                }

                Assert.Equal(Math.Log(sum), logSums[t, h], 1e-14);
                for (int j = 0; j < 4; j++) Assert.Equal(output[j] / sum, O[t, (4 * h) + j], 1e-14);
            }
        }
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        Matrix<float> Q = new(6, 8), K = new(6, 4), O = new(6, 8), logSums = new(6, 2);
        Assert.Throws<ArgumentException>(() => AttentionOperation.Forward(Q, K, K, new AttentionShape(4, 2, 1, 4, null), O, logSums));
        Assert.Throws<ArgumentException>(() => AttentionOperation.Forward(Q, K, K, new AttentionShape(6, 2, 1, 4, 0), O, logSums));
        Assert.Throws<ArgumentException>(() => AttentionOperation.Forward(Q, K, K, new AttentionShape(6, 3, 2, 4, null), O, logSums));
        Assert.Throws<ArgumentException>(() => AttentionOperation.Forward(Q, Q, K, new AttentionShape(6, 2, 1, 4, null), O, logSums));
    }

    private static Matrix Draw(int rows, int columns, Random random)
    {
        var matrix = new Matrix(rows, columns);
        foreach (ref float element in matrix.Data.AsSpan()) element = (random.NextSingle() * 2) - 1;
        return matrix;
    }

    private static Matrix<double> DrawDouble(int rows, int columns, Random random)
    {
        var matrix = new Matrix<double>(rows, columns);
        foreach (ref double element in matrix.Data.AsSpan()) element = (random.NextDouble() * 4) - 2;
        return matrix;
    }

    private static Matrix<float> Single(Matrix matrix) => new(matrix.Rows, matrix.Columns, matrix.Data);
}

internal sealed class AttentionCase(int sequences, AttentionShape shape) : OperationCase
{
    private int Tokens => sequences * shape.Length;

    private int Columns => shape.Heads * shape.HeadSize;

    private int KeyColumns => shape.KeyValueHeads * shape.HeadSize;

    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("Q", Tokens, Columns), ("K", Tokens, KeyColumns), ("V", Tokens, KeyColumns)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
    {
        Matrix<T> O = Fresh<T>(Tokens, Columns);
        AttentionOperation.Forward(x[0], x[1], x[2], shape, O, Fresh<T>(Tokens, shape.Heads));
        return [O];
    }

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dO)
    {
        Matrix<T> O = Fresh<T>(Tokens, Columns), logSums = Fresh<T>(Tokens, shape.Heads);
        AttentionOperation.Forward(x[0], x[1], x[2], shape, O, logSums);
        Matrix<T> dQ = Fresh<T>(Tokens, Columns), dK = Fresh<T>(Tokens, KeyColumns), dV = Fresh<T>(Tokens, KeyColumns);
        AttentionOperation.Backward(x[0], x[1], x[2], O, logSums, shape, dO[0], dQ, dK, dV);
        return [dQ, dK, dV];
    }

    internal override double Draw(Random random, int input) => (float)((random.NextDouble() * 3) - 1.5);
}
