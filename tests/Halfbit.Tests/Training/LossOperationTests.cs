using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class LossOperationTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 9)]
    [InlineData(7, 5)]
    [InlineData(3, 300)]
    public void Gradients_are_those_of_the_losses(int tokens, int vocabulary)
    {
        OperationCheck.Gradients(new CrossEntropyCase(tokens, vocabulary), vocabulary);
        foreach (double temperature in (double[])[1, 2, 0.5]) OperationCheck.Gradients(new DivergenceCase(tokens, vocabulary, temperature), vocabulary);
    }

    [Fact]
    public void Cross_entropy_without_gradient_is_the_same_sum_and_leaves_the_logits_alone()
    {
        var random = new Random(6);
        var logits = new Matrix<float>(5, 40);
        foreach (ref float element in logits.Data.AsSpan()) element = 10 * random.NextSingle();
        float[] before = (float[])logits.Data.Clone();
        int[] targets = [3, -1, 39, 0, -1];
        double expected = 0;
        foreach (int t in (int[])[0, 2, 3])
        {
            double sum = 0;
            for (int j = 0; j < 40; j++) sum += Math.Exp(logits[t, j]);
            expected += Math.Log(sum) - logits[t, targets[t]];
        }

        double loss = CrossEntropyOperation.Forward(logits, targets);
        Assert.Equal(before, logits.Data);
        Assert.Equal(expected, loss, 1e-6 * expected);
        Assert.Equal(loss, CrossEntropyOperation.ForwardBackward(logits, targets, 1f));
        Assert.All(logits.Row(1).ToArray(), x => Assert.Equal(0f, x));
        Assert.All(logits.Row(4).ToArray(), x => Assert.Equal(0f, x));
    }

    [Fact]
    public void A_student_that_is_its_teacher_has_no_divergence_and_no_gradient()
    {
        var random = new Random(8);
        Matrix<double> logits = new(3, 17), shifted = new(3, 17), gradient = new(3, 17);
        for (int index = 0; index < logits.Data.Length; index++)
        {
            logits.Data[index] = (random.NextDouble() * 8) - 4;
            shifted.Data[index] = logits.Data[index] + (index / 17) - 1;        // a constant per row changes no probability
        }

        Assert.Equal(0, DivergenceOperation.ForwardBackward(logits, shifted, new int[logits.Rows], 1.7, 1.0, gradient), 1e-13);
        Assert.All(gradient.Data, x => Assert.Equal(0, x, 1e-14));
    }

    [Fact]
    public void Divergence_is_the_sum_that_its_definition_says()
    {
        Matrix<double> student = new(1, 3, [0.5, -1, 2]), teacher = new(1, 3, [1.5, 0.25, -0.5]), gradient = new(1, 3);
        double actual = DivergenceOperation.ForwardBackward(student, teacher, new int[student.Rows], 2, 1.0, gradient);
        double[] p = Softmax(teacher.Data, 2), q = Softmax(student.Data, 2);
        Assert.Equal(p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum(), actual, 1e-14);
        for (int j = 0; j < 3; j++) Assert.Equal(2 * (q[j] - p[j]), gradient.Data[j], 1e-14);
    }

    [Fact]
    public void Wrong_targets_and_temperatures_are_refused()
    {
        var logits = new Matrix<float>(2, 3);
        Assert.Contains("targets[1] is 3", Assert.Throws<ArgumentException>(() => CrossEntropyOperation.Forward(logits, [0, 3])).Message, StringComparison.Ordinal);
        Assert.Contains("targets[0] is -2", Assert.Throws<ArgumentException>(() => CrossEntropyOperation.Forward(logits, [-2, 0])).Message, StringComparison.Ordinal);
        Assert.Contains("temperature 0", Assert.Throws<ArgumentException>(() => DivergenceOperation.ForwardBackward(logits, logits, new int[logits.Rows], 0, 1f, new Matrix<float>(2, 3))).Message, StringComparison.Ordinal);
    }

    private static double[] Softmax(double[] logits, double temperature)
    {
        double[] exponentials = [.. logits.Select(x => Math.Exp(x / temperature))];
        return [.. exponentials.Select(x => x / exponentials.Sum())];
    }
}

internal sealed class CrossEntropyCase(int tokens, int vocabulary) : OperationCase
{
    /// <summary>Every fourth is not counted.</summary>
    private readonly int[] targets = [.. Enumerable.Range(0, tokens).Select(t => t % 4 == 3 ? -1 : t * 7 % vocabulary)];

    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("logits", tokens, vocabulary)];

    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x) => [new Matrix<T>(1, 1, [T.CreateChecked(CrossEntropyOperation.Forward(x[0], targets))])];

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dLoss)
    {
        Matrix<T> logits = Matrix<T>.CopyOf(x[0].View);
        CrossEntropyOperation.ForwardBackward(logits, targets, dLoss[0].Data[0]);
        return [logits];
    }

    internal override double Draw(Random random, int input) => (float)((random.NextDouble() * 6) - 3);
}

internal sealed class DivergenceCase(int tokens, int vocabulary, double temperature) : OperationCase
{
    internal override IReadOnlyList<(string Name, int Rows, int Columns)> Inputs => [("logits", tokens, vocabulary), ("teacher", tokens, vocabulary)];

    /// <summary>τ²·D, which is what the gradient is of.</summary>
    internal override Matrix<T>[] Forward<T>(Matrix<T>[] x)
        => [new Matrix<T>(1, 1, [T.CreateChecked(temperature * temperature * DivergenceOperation.ForwardBackward(x[0], x[1], new int[x[0].Rows], temperature, T.One, new Matrix<T>(tokens, vocabulary)))])];

    internal override Matrix<T>?[] Backward<T>(Matrix<T>[] x, Matrix<T>[] dLoss)
    {
        Matrix<T> dLogits = Begun<T>(tokens, vocabulary);
        DivergenceOperation.ForwardBackward(x[0], x[1], new int[x[0].Rows], temperature, dLoss[0].Data[0], dLogits);
        return [Added(dLogits), null];
    }

    internal override double Draw(Random random, int input) => (float)((random.NextDouble() * 6) - 3);
}
