using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class NormOperationTests
{
    [Theory]
    [InlineData(1, 1, 1e-2)]
    [InlineData(3, 7, 1e-5)]
    [InlineData(1, 33, 0.5)]
    [InlineData(67, 3, 1e-1)]
    [InlineData(2, 16, 1e-6)]
    public void Gradients_are_those_of_the_forward_pass(int tokens, int columns, double epsilon)
    {
        OperationCheck.Gradients(new RmsNormCase(tokens, columns, epsilon, true), tokens);
        OperationCheck.Gradients(new RmsNormCase(tokens, columns, epsilon, false), columns);
        if (columns == 1) return;               // the normalised row of a single column is 0 whatever it was
        OperationCheck.Gradients(new LayerNormCase(tokens, columns, epsilon, true, true), tokens);
        OperationCheck.Gradients(new LayerNormCase(tokens, columns, epsilon, true, false), columns);
        OperationCheck.Gradients(new LayerNormCase(tokens, columns, epsilon, false, true), columns);
    }

    [Theory]
    [InlineData(5, 7)]
    [InlineData(40, 384)]
    [InlineData(3, 1)]
    public void Forward_has_the_bits_of_the_norms_that_run_models(int tokens, int columns)
    {
        var random = new Random(columns);
        var X = new Matrix(tokens, columns);
        foreach (ref float element in X.Data.AsSpan()) element = 3 * random.NextSingle();
        float[] weight = [.. Enumerable.Range(0, columns).Select(_ => random.NextSingle())];
        float[] bias = [.. Enumerable.Range(0, columns).Select(_ => random.NextSingle())];
        var x = new Matrix<float>(tokens, columns, X.Data);
        var w = new Matrix<float>(1, columns, weight);
        var b = new Matrix<float>(1, columns, bias);
        var expected = new Matrix(tokens, columns);
        var actual = new Matrix<float>(tokens, columns);

        new RmsNorm(weight, 1e-5f).Apply(X, expected, tokens);
        RmsNormOperation.Forward(x, w, 1e-5, actual);
        Assert.Equal(expected.Data, actual.Data);

        new LayerNorm(weight, bias, 1e-5f).Apply(X, expected, tokens);
        LayerNormOperation.Forward(x, w, b, 1e-5, actual);
        Assert.Equal(expected.Data, actual.Data);

        new LayerNorm(null, null, 1e-5f).Apply(X, expected, tokens);
        LayerNormOperation.Forward(x, null, null, 1e-5, actual);
        Assert.Equal(expected.Data, actual.Data);
    }

    [Fact]
    public void The_replaced_gradient_of_the_input_may_take_the_place_of_that_of_the_output()
    {
        var random = new Random(1);
        Matrix<double> X = Draw(5, 9, random), w = Draw(1, 9, random), dY = Draw(5, 9, random);
        var expected = new Matrix<double>(5, 9);
        Matrix<double> dw = new(1, 9), inPlaceDw = new(1, 9), inPlace = Matrix<double>.CopyOf(dY.View);
        RmsNormOperation.Backward(X, w, 1e-5, dY, expected, dw, accumulateDX: false);
        RmsNormOperation.Backward(X, w, 1e-5, inPlace, inPlace, inPlaceDw, accumulateDX: false);
        Assert.Equal(expected.Data, inPlace.Data);
        Assert.Equal(dw.Data, inPlaceDw.Data);

        inPlace = Matrix<double>.CopyOf(dY.View);
        LayerNormOperation.Backward(X, w, 1e-5, dY, expected, dw, null, accumulateDX: false);
        LayerNormOperation.Backward(X, w, 1e-5, inPlace, inPlace, inPlaceDw, null, accumulateDX: false);
        Assert.Equal(expected.Data, inPlace.Data);
        Assert.Equal(dw.Data, inPlaceDw.Data);
    }

    private static Matrix<double> Draw(int rows, int columns, Random random)
    {
        var matrix = new Matrix<double>(rows, columns);
        foreach (ref double element in matrix.Data.AsSpan()) element = (random.NextDouble() * 2) - 1;
        return matrix;
    }
}

internal sealed class RmsNormCase(int tokens, int columns, double epsilon, bool accumulateDX) : OperationCase
{
    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("X", tokens, columns), ("weight", 1, columns)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
    {
        Matrix<T> Y = Fresh<T>(tokens, columns);
        RmsNormOperation.Forward(x[0], x[1], epsilon, Y);
        return [Y];
    }

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dY)
    {
        Matrix<T> dX = accumulateDX ? Begun<T>(tokens, columns) : Fresh<T>(tokens, columns), dWeight = Begun<T>(1, columns);
        RmsNormOperation.Backward(x[0], x[1], epsilon, dY[0], dX, dWeight, accumulateDX);
        return [accumulateDX ? Added(dX) : dX, Added(dWeight)];
    }

    /// <summary>Away from 0, where a single column with a small ε turns sharply.</summary>
    internal override double Draw(Random random, int input) => (float)((random.Next(2) == 0 ? 1 : -1) * (0.3 + random.NextDouble()));
}

internal sealed class LayerNormCase(int tokens, int columns, double epsilon, bool isAffine, bool accumulateDX) : OperationCase
{
    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("X", tokens, columns), ("weight", 1, columns), ("bias", 1, columns)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
    {
        Matrix<T> Y = Fresh<T>(tokens, columns);
        LayerNormOperation.Forward(x[0], isAffine ? x[1] : null, isAffine ? x[2] : null, epsilon, Y);
        return [Y];
    }

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dY)
    {
        Matrix<T> dX = accumulateDX ? Begun<T>(tokens, columns) : Fresh<T>(tokens, columns);
        Matrix<T> dWeight = Begun<T>(1, columns), dBias = Begun<T>(1, columns);
        LayerNormOperation.Backward(x[0], isAffine ? x[1] : null, epsilon, dY[0], dX, isAffine ? dWeight : null, isAffine ? dBias : null, accumulateDX);
        return [accumulateDX ? Added(dX) : dX, Added(dWeight), Added(dBias)];
    }

    /// <summary>Neighbours apart, so that the variance of a short row is not near 0.</summary>
    internal override double Draw(Random random, int input) => (float)((random.NextDouble() * 4) - 2);
}
