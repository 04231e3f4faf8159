using Halfbit.Numerics;
using Halfbit.Statistics;
using Halfbit.Tests.Reference;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Statistics;

[Collection("thread count")]
public sealed class WeightedErrorTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 30)]
    [InlineData(257, 20)] // more than one block of rows
    [InlineData(3, 513)] // more than one block of columns
    public void It_is_the_trace_by_its_definition(int rows, int columns)
    {
        ToyLayer layer = ToyLayer.Create(rows, columns, seed: rows, tokens: columns);
        var Q = new Matrix(rows, columns, [.. layer.W.Data.Select(w => w < 0 ? -0.04f : 0.04f)]);
        double expected = QuadraticError.Of(layer.W, Q, layer.H);
        Assert.Equal(expected, WeightedError.Of(layer.W, Q, layer.H), 1e-5 * expected);
        double whole = QuadraticError.Of(layer.W, new Matrix(rows, columns), layer.H);
        Assert.Equal(whole, WeightedError.Of(layer.W, null, layer.H), 1e-5 * whole);
        Assert.Equal(0, WeightedError.Of(layer.W, layer.W, layer.H));
    }

    [Fact]
    public void The_mean_square_is_taken_over_all_elements()
    {
        var W = new Matrix(2, 2, [1f, 2f, 3f, 4f]);
        var Q = new Matrix(2, 2, [1f, 1f, 1f, 1f]);
        Assert.Equal((0 + 1 + 4 + 9) / 4.0, WeightedError.MeanSquared(W, Q));
    }

    [Fact]
    public void The_bits_do_not_depend_on_threads()
    {
        ToyLayer layer = ToyLayer.Create(300, 96, seed: 9);
        double[] results = [.. new[] { 1, 2, 5 }.Select(threads =>
        {
            using var count = new ThreadCount(threads);
            return WeightedError.Of(layer.W, null, layer.H);
        })];
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }
}
