using Halfbit.Numerics;

namespace Halfbit.Tests.Numerics;

public sealed class PythonRandomTests
{
    /// <summary>Expected values were printed by CPython 3.11: random.seed(s); random.randint / random.random.</summary>
    [Fact]
    public void Draws_the_integers_of_CPython()
    {
        var random = new PythonRandom(0);
        long[] actual = [.. Enumerable.Range(0, 6).Select(_ => random.NextInclusive(0, 99999))];
        Assert.Equal([50494, 99346, 55125, 5306, 33936, 67013], actual);
    }

    [Fact]
    public void Draws_the_doubles_of_CPython()
    {
        var random = new PythonRandom(123456789012);
        double[] actual = [random.NextDouble(), random.NextDouble()];
        Assert.Equal([0.37701448538609916, 0.02069602357922562], actual);
    }
}
