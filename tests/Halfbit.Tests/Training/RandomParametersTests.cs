using Halfbit.Training;

namespace Halfbit.Tests.Training;

public sealed class RandomParametersTests
{
    [Fact]
    public void Every_seed_and_name_has_its_own_numbers_and_the_same_again()
    {
        float[] Take(long seed, string name) => new RandomParameters<float>(seed, 2).Take(name, [8, 8], ParameterRole.Linear).Data;
        string[] all = [.. from seed in new[] { 0, 1, 1L << 32, (1L << 32) + 1, long.MaxValue } from name in new[] { "a", "b" } select string.Join(' ', Take(seed, name))];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(Take(1L << 32, "a"), Take(1L << 32, "a"));
    }

    [Fact]
    public void Weights_have_their_deviation_and_norms_and_biases_none()
    {
        var parameters = new RandomParameters<double>(3, 8);
        double DeviationOf(ParameterRole role) => Math.Sqrt(parameters.Take("w", [200, 200], role).Data.Average(x => x * x));
        Assert.Equal(0.02, DeviationOf(ParameterRole.Linear), 0.0005);
        Assert.Equal(0.005, DeviationOf(ParameterRole.ResidualLinear), 0.0001);
        Assert.All(parameters.Take("n", [5], ParameterRole.NormWeight).Data, x => Assert.Equal(1, x));
        Assert.All(parameters.Take("b", [5], ParameterRole.Bias).Data, x => Assert.Equal(0, x));
    }
}
