using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class RotaryOperationTests
{
    private static readonly RopeConfig Plain = new() { Theta = 100 };
    private static readonly RopeConfig Stretched = new() { Scaling = RopeScaling.Llama3, Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalPositions = 16 };

    [Theory]
    [InlineData(1, 1, 1, 2)]
    [InlineData(2, 5, 3, 6)]
    [InlineData(3, 4, 1, 18)]
    public void Gradients_are_those_of_the_forward_pass(int sequences, int length, int heads, int headSize)
    {
        OperationCheck.Gradients(new RotaryCase(Plain, sequences, length, heads, headSize), length);
        OperationCheck.Gradients(new RotaryCase(Stretched, sequences, length, heads, headSize), heads);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(32)]
    [InlineData(64)]
    public void Turning_has_the_bits_of_the_embedding_that_runs_models(int headSize)
    {
        foreach (RopeConfig rope in (RopeConfig[])[Plain, Stretched, new RopeConfig { Scaling = RopeScaling.Linear, Factor = 3 }])
        {
            var random = new Random(headSize);
            var X = new Matrix(40, 3 * headSize);
            foreach (ref float element in X.Data.AsSpan()) element = random.NextSingle();
            var actual = new Matrix<float>(40, 3 * headSize, (float[])X.Data.Clone());
            var rotary = new RotaryEmbedding(rope, headSize);
            rotary.Reserve(20);
            rotary.Apply(X, Enumerable.Range(0, 40).Select(t => t % 20).ToArray());
            RotaryOperation.Forward(actual, new RotaryTable<float>(rope, headSize, 25), 3, 20);
            Assert.Equal(X.Data, actual.Data);
        }
    }

    [Fact]
    public void Too_few_positions_and_odd_heads_are_refused()
    {
        Assert.Contains("of 5 tokens", Assert.Throws<ArgumentException>(() => RotaryOperation.Forward(new Matrix<float>(5, 4), new RotaryTable<float>(Plain, 4, 4), 1, 5)).Message, StringComparison.Ordinal);
        Assert.Contains("not 5", Assert.Throws<ArgumentException>(() => new RotaryTable<float>(Plain, 5, 4)).Message, StringComparison.Ordinal);
    }
}

internal sealed class RotaryCase(RopeConfig rope, int sequences, int length, int heads, int headSize) : OperationCase
{
    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("X", sequences * length, heads * headSize)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
    {
        Matrix<T> X = Matrix<T>.CopyOf(x[0].View);
        RotaryOperation.Forward(X, new RotaryTable<T>(rope, headSize, length), heads, length);
        return [X];
    }

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dY)
    {
        Matrix<T> dX = Matrix<T>.CopyOf(dY[0].View);
        RotaryOperation.Backward(dX, new RotaryTable<T>(rope, headSize, length), heads, length);
        return [dX];
    }
}
