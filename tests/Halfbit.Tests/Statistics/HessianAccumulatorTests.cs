using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Statistics;

[Collection("thread count")]
public sealed class HessianAccumulatorTests
{
    [Theory, InlineData(1), InlineData(3), InlineData(6)]
    public void After_some_sequences_the_Hessian_is_that_of_the_authors_program(int sequences)
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestData.AnyPath("reference", "common", "hessian-accumulation-6x40x48.safetensors"));
        Matrix H = Accumulate(file, sequences).Finish();
        Matrix expected = ReferenceCase.MatrixOf(file, $"H_after_{sequences}");
        AssertNear(expected, H, 2e-6f * expected.Data.Max());
        Assert.Equal(0f, H[7, 7]);
    }

    [Fact]
    public void It_is_twice_the_sum_over_tokens_divided_by_sequences_not_tokens()
    {
        var random = new Random(5);
        var accumulator = new HessianAccumulator(33);
        var expected = new double[33, 33];
        foreach (int tokens in (int[])[1, 70, 9])
        {
            var X = new Matrix(tokens, 33, [.. Enumerable.Range(0, tokens * 33).Select(_ => (float)ToyLayer.Gauss(random))]);
            accumulator.Add(X.View);
            for (int i = 0; i < 33; i++)
            {
                for (int j = 0; j < 33; j++)
                {
                    for (int t = 0; t < tokens; t++) expected[i, j] += (double)X[t, i] * X[t, j] * 2 / 3;
                }
            }
        }

        Assert.Equal(3, accumulator.Sequences);
        Matrix H = accumulator.Finish();
        for (int i = 0; i < 33; i++)
        {
            for (int j = 0; j < 33; j++)
            {
                Assert.Equal(expected[i, j], H[i, j], 2e-4);
                Assert.Equal(H[j, i], H[i, j]);
            }
        }
    }

    [Fact]
    public void The_bits_do_not_depend_on_threads()
    {
        var X = new Matrix(150, 200, [.. Enumerable.Range(0, 150 * 200).Select(k => MathF.Sin(k * 0.37f))]);
        Matrix[] results = [.. new[] { 1, 2, 5 }.Select(threads =>
        {
            using var count = new ThreadCount(threads);
            var accumulator = new HessianAccumulator(200);
            accumulator.Add(X.View);
            accumulator.Add(X.View.RowRange(10, 90));
            return accumulator.Finish();
        })];
        Assert.Equal(results[0].Data, results[1].Data);
        Assert.Equal(results[0].Data, results[2].Data);
    }

    [Fact]
    public void Misuse_is_refused()
    {
        Assert.Throws<InvalidOperationException>(() => new HessianAccumulator(4).Finish());
        Assert.Throws<ArgumentException>(() => new HessianAccumulator(4).Add(new Matrix(2, 5).View));
    }

    private static HessianAccumulator Accumulate(SafetensorsFile file, int sequences)
    {
        MappedTensor X = file.TryFind("X")!;
        float[] values = X.ReadAll();
        (int tokens, int columns) = ((int)X.Shape[1], (int)X.Shape[2]);
        var accumulator = new HessianAccumulator(columns);
        for (int s = 0; s < sequences; s++) accumulator.Add(new MatrixView<float>(values.AsSpan(s * tokens * columns, tokens * columns), tokens, columns));
        return accumulator;
    }

    private static void AssertNear(Matrix expected, Matrix actual, float bound)
    {
        for (int i = 0; i < expected.Rows; i++)
        {
            for (int j = 0; j < expected.Columns; j++)
                Assert.True(MathF.Abs(expected[i, j] - actual[i, j]) <= bound, $"[{i}, {j}]: expected {expected[i, j]}, got {actual[i, j]}, bound {bound}");
        }
    }
}
