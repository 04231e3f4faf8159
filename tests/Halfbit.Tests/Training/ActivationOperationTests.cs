using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class ActivationOperationTests
{
    public enum Kind
    {
        Silu,
        Relu,
        Gelu,
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(1, 37)]
    [InlineData(2, 300)]
    public void Gradients_are_those_of_the_forward_pass(int tokens, int columns)
    {
        OperationCheck.Gradients(new GatedSiluCase(tokens, columns), columns);
        OperationCheck.Gradients(new ElementwiseCase(Kind.Relu, tokens, columns), columns);
        OperationCheck.Gradients(new ElementwiseCase(Kind.Gelu, tokens, columns), columns);
    }

    [Fact]
    public void Forward_has_the_bits_of_the_functions_that_run_models()
    {
        var random = new Random(4);
        float[] x = [.. Enumerable.Range(0, 1000).Select(_ => 20 * (random.NextSingle() - 0.5f)), 0f, -0f, 60f, -60f];
        float[] up = [.. x.Select(_ => random.NextSingle())];
        var X = new Matrix<float>(1, x.Length, x);
        var Y = new Matrix<float>(1, x.Length);

        GatedSiluOperation.Forward(X, new Matrix<float>(1, x.Length, up), Y);
        float[] expected = (float[])x.Clone();
        Activations.GatedSilu(expected, up);
        Assert.Equal(expected, Y.Data);

        ReluOperation.Forward(X, Y);
        expected = (float[])x.Clone();
        Activations.Relu(expected);
        Assert.Equal(expected, Y.Data);

        // here both round a double that may differ in its last places
        GeluOperation.Forward(X, Y);
        expected = (float[])x.Clone();
        Activations.Gelu(expected);
        for (int j = 0; j < x.Length; j++)
        {
            float bound = MathF.Abs(expected[j] * 1.2e-7f) + 1e-14f;
            Assert.InRange(Y.Data[j], expected[j] - bound, expected[j] + bound);
        }
    }

    [Fact]
    public void The_normal_distribution_is_exact_to_double_precision()
    {
        for (double x = -10; x <= 10; x += 0.0037)
        {
            (double cumulative, double density) = NormalDistribution.At(x);
            double expected = 0.5 * (1 + Activations.ErrorFunction(x / Math.Sqrt(2)));
            Assert.InRange(cumulative, expected - 3e-15, expected + 3e-15);
            double expectedDensity = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
            Assert.InRange(density, Math.Max(expectedDensity - 1e-15, expectedDensity * (1 - 1e-11)), Math.Min(expectedDensity + 1e-15, expectedDensity * (1 + 1e-11)));
        }

        Assert.Equal((1, 0), NormalDistribution.At(double.PositiveInfinity));
        Assert.Equal((0, 0), NormalDistribution.At(double.NegativeInfinity));
        Assert.True(double.IsNaN(NormalDistribution.At(double.NaN).Cumulative));
    }

    [Fact]
    public void Gradients_may_take_the_place_of_what_they_are_computed_from()
    {
        var random = new Random(5);
        Matrix<float> gate = Draw(random), up = Draw(random), dY = Draw(random), dGate = new(3, 70), dUp = new(3, 70);
        GatedSiluOperation.Backward(gate, up, dY, dGate, dUp);
        Matrix<float> g = Copy(gate), u = Copy(up), d = Copy(dY);
        GatedSiluOperation.Backward(g, u, dY, g, u);
        Assert.Equal(dGate.Data, g.Data);
        Assert.Equal(dUp.Data, u.Data);
        GatedSiluOperation.Backward(gate, up, d, dGate, d);
        Assert.Equal(dUp.Data, d.Data);
        Assert.Equal(g.Data, dGate.Data);
    }

    private static Matrix<float> Draw(Random random)
    {
        var matrix = new Matrix<float>(3, 70);
        foreach (ref float element in matrix.Data.AsSpan()) element = (random.NextSingle() * 8) - 4;
        return matrix;
    }

    private static Matrix<float> Copy(Matrix<float> matrix) => Matrix<float>.CopyOf(matrix.View);
}

internal sealed class GatedSiluCase(int tokens, int columns) : OperationCase
{
    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("gate", tokens, columns), ("up", tokens, columns)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
    {
        Matrix<T> Y = Fresh<T>(tokens, columns);
        GatedSiluOperation.Forward(x[0], x[1], Y);
        return [Y];
    }

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dY)
    {
        Matrix<T> dGate = Fresh<T>(tokens, columns), dUp = Fresh<T>(tokens, columns);
        GatedSiluOperation.Backward(x[0], x[1], dY[0], dGate, dUp);
        return [dGate, dUp];
    }

    internal override double Draw(Random random, int input) => (float)((random.NextDouble() * 6) - 3);
}

internal sealed class ElementwiseCase(ActivationOperationTests.Kind kind, int tokens, int columns) : OperationCase
{
    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("X", tokens, columns)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
    {
        Matrix<T> Y = Fresh<T>(tokens, columns);
        if (kind == ActivationOperationTests.Kind.Relu) ReluOperation.Forward(x[0], Y);
        else GeluOperation.Forward(x[0], Y);
        return [Y];
    }

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dY)
    {
        Matrix<T> dX = Fresh<T>(tokens, columns);
        if (kind == ActivationOperationTests.Kind.Relu) ReluOperation.Backward(x[0], dY[0], dX);
        else GeluOperation.Backward(x[0], dY[0], dX);
        return [dX];
    }

    /// <summary>Away from 0, where the rectifier has no derivative.</summary>
    internal override double Draw(Random random, int input) => (float)((random.Next(2) == 0 ? 1 : -1) * (0.01 + (3 * random.NextDouble())));
}
