namespace Halfbit.Tests.Training;

public sealed class CentralDifferenceTests
{
    [Fact]
    public void A_right_gradient_passes_and_one_wrong_element_does_not()
    {
        double[] x = [0.3, -0.7, 1.1, 0.2];
        double Loss() => Math.Exp(x[0]) * Math.Sin(x[1]) + (x[2] * x[2] * x[3]);
        double[] gradient = [Math.Exp(x[0]) * Math.Sin(x[1]), Math.Exp(x[0]) * Math.Cos(x[1]), 2 * x[2] * x[3], x[2] * x[2]];
        CentralDifference.Check(Loss, x, gradient, "right");
        for (int index = 0; index < x.Length; index++)
        {
            double[] wrong = (double[])gradient.Clone();
            wrong[index] += 1e-6;
            Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => CentralDifference.Check(Loss, x, wrong, "wrong"));
        }
    }

    [Fact]
    public void Directions_alone_find_a_wrong_element_of_a_large_gradient()
    {
        var random = new Random(1);
        double[] x = [.. Enumerable.Range(0, 500).Select(_ => random.NextDouble())];
        double Loss() => x.Sum(v => Math.Sin(v) * v);
        double[] gradient = [.. x.Select(v => (Math.Cos(v) * v) + Math.Sin(v))];
        CentralDifference.Check(Loss, x, gradient, "right");
        gradient[321] += 1e-4;
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => CentralDifference.Check(Loss, x, gradient, "wrong"));
    }
}
