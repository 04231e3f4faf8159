using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class LinearOperationTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 3, 7)]
    [InlineData(1, 9, 4)]
    [InlineData(70, 2, 1)]
    [InlineData(6, 1, 5)]
    public void Gradients_are_those_of_the_forward_pass(int tokens, int inputs, int outputs)
    {
        OperationCheck.Gradients(new LinearCase(tokens, inputs, outputs, true, true), tokens);
        OperationCheck.Gradients(new LinearCase(tokens, inputs, outputs, false, false), inputs);
    }

    [Fact]
    public void It_has_the_bits_of_the_layer_that_runs_models()
    {
        var random = new Random(3);
        Matrix X = Draw(40, 33, random), W = Draw(21, 33, random), expected = new(40, 21);
        float[] bias = Draw(1, 21, random).Data;
        new LinearLayer("layer", W, bias).Apply(X, expected, 40);
        var actual = new Matrix<float>(40, 21);
        LinearOperation.Forward(new Matrix<float>(40, 33, X.Data), new Matrix<float>(21, 33, W.Data), new Matrix<float>(1, 21, bias), actual);
        Assert.Equal(expected.Data, actual.Data);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused_by_name()
    {
        var X = new Matrix<float>(4, 3);
        var W = new Matrix<float>(5, 3);
        Assert.Contains("Y is [4, 4], expected [4, 5]", Assert.Throws<ArgumentException>(() => LinearOperation.Forward(X, W, null, new Matrix<float>(4, 4))).Message, StringComparison.Ordinal);
        Assert.Contains("dBias is [1, 4], expected [1, 5]", Assert.Throws<ArgumentException>(() => LinearOperation.Backward(X, W, new Matrix<float>(4, 5), null, false, null, new Matrix<float>(1, 4))).Message, StringComparison.Ordinal);
    }

    private static Matrix Draw(int rows, int columns, Random random)
    {
        var matrix = new Matrix(rows, columns);
        foreach (ref float element in matrix.Data.AsSpan()) element = (random.NextSingle() * 2) - 1;
        return matrix;
    }
}

internal sealed class LinearCase(int tokens, int inputs, int outputs, bool hasBias, bool accumulateDX) : OperationCase
{
    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("X", tokens, inputs), ("W", outputs, inputs), ("bias", 1, outputs)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
    {
        Matrix<T> Y = Fresh<T>(tokens, outputs);
        LinearOperation.Forward(x[0], x[1], hasBias ? x[2] : null, Y);
        return [Y];
    }

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dY)
    {
        Matrix<T> dX = accumulateDX ? Begun<T>(tokens, inputs) : Fresh<T>(tokens, inputs);
        Matrix<T> dW = Begun<T>(outputs, inputs), dBias = Begun<T>(1, outputs);
        LinearOperation.Backward(x[0], x[1], dY[0], dX, accumulateDX, dW, hasBias ? dBias : null);
        return [accumulateDX ? Added(dX) : dX, Added(dW), Added(dBias)];
    }
}
