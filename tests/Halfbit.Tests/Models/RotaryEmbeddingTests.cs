using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Tests.Models;

public sealed class RotaryEmbeddingTests
{
    [Fact]
    public void Frequencies_are_powers_of_theta()
        => AssertFrequencies(new RopeConfig { Theta = 500000 }, i => Math.Pow(500000, -2.0 * i / 128));

    [Fact]
    public void Linear_scaling_divides_every_frequency()
        => AssertFrequencies(new RopeConfig { Scaling = RopeScaling.Linear, Factor = 4 }, i => Math.Pow(10000, -2.0 * i / 128) / 4);

    /// <summary>The formula of the LLaMA 3.1 model card's code: wavelengths beyond 8192/1 are divided by 8, those below 8192/4 kept, a blend between.</summary>
    [Fact]
    public void Llama_3_scaling_blends_between_two_wavelengths()
    {
        int kept = 0, divided = 0, blended = 0;
        var config = new RopeConfig { Theta = 500000, Scaling = RopeScaling.Llama3, Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalPositions = 8192 };
        AssertFrequencies(config, i =>
        {
            double frequency = Math.Pow(500000, -2.0 * i / 128);
            double wavelength = 2 * Math.PI / frequency;
            if (wavelength < 8192.0 / 4)
            {
                kept++;
                return frequency;
            }

            if (wavelength > 8192)
            {
                divided++;
                return frequency / 8;
            }

            blended++;
            double smooth = ((8192 / wavelength) - 1) / (4 - 1);
            return ((1 - smooth) * frequency / 8) + (smooth * frequency);
        });
        Assert.True(kept > 0 && divided > 0 && blended > 0);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    [InlineData(80)]
    [InlineData(128)]
    public void Pairs_turn_by_position_times_frequency(int headSize)
    {
        int[] positions = [0, 1, 5, 1000];
        var rotary = new RotaryEmbedding(new RopeConfig(), headSize);
        rotary.Reserve(1001);
        Matrix original = RandomMatrix.Create(positions.Length, 3 * headSize, 1);
        Matrix turned = Matrix.CopyOf(original.View);
        rotary.Apply(turned, positions);
        for (int t = 0; t < positions.Length; t++)
        {
            for (int j = 0; j < 3 * headSize; j += headSize)
            {
                for (int i = 0; i < headSize / 2; i++)
                {
                    // The angle itself is a single-precision product of up to 1000, so it is off by up to 1000·2⁻²⁴.
                    double angle = positions[t] * (double)rotary.Frequencies[i];
                    double a = original[t, j + i];
                    double b = original[t, j + i + (headSize / 2)];
                    Assert.Equal((a * Math.Cos(angle)) - (b * Math.Sin(angle)), turned[t, j + i], 1.5e-4);
                    Assert.Equal((b * Math.Cos(angle)) + (a * Math.Sin(angle)), turned[t, j + i + (headSize / 2)], 1.5e-4);
                }
            }
        }
    }

    private static void AssertFrequencies(RopeConfig config, Func<int, double> expected)
    {
        IReadOnlyList<float> actual = new RotaryEmbedding(config, 128).Frequencies;
        Assert.Equal(64, actual.Count);
        for (int i = 0; i < 64; i++)
        {
            double value = expected(i);
            Assert.True(Math.Abs(value - actual[i]) <= 4e-6 * value, $"frequency {i}: expected {value}, actual {actual[i]}");
        }
    }
}
