using Halfbit.Representation;

namespace Halfbit.Tests.Quantization;

public sealed class ScaleFormatTests
{
    [Theory, InlineData(1e-30f), InlineData(3e-5f), InlineData(0.05f), InlineData(1f), InlineData(777f), InlineData(1e30f)]
    public void Rounding_is_to_eleven_bits_over_the_range_that_scales_have(float largest)
    {
        ScaleFormat format = ScaleFormat.HalfFor(largest);
        var random = new Random(1);
        for (int n = 0; n < 2000; n++)
        {
            float value = largest * (float)(Math.Pow(2, 3 - (24 * random.NextDouble())) * (random.Next(2) == 0 ? -1 : 1));
            float rounded = format.Round(value);
            Assert.True(MathF.Abs(rounded - value) <= MathF.Abs(value) / 2048, $"{value} becomes {rounded}");
            Assert.Equal(rounded, format.Round(rounded));
            Assert.Equal(rounded, format.Decode(format.Encode(value)));
        }

        Assert.Equal(0f, format.Round(0f));
    }

    [Fact]
    public void Ties_go_to_the_even_neighbour_in_one_rounding()
    {
        ScaleFormat format = ScaleFormat.HalfFor(1f);
        Assert.Equal(1f, format.Round(1f + (1f / 2048)));
        Assert.Equal(1f + (2f / 1024), format.Round(1f + (3f / 2048)));
        Assert.Equal(1f + (1f / 1024), format.Round(MathF.BitIncrement(1f + (1f / 2048))));
    }

    [Fact]
    public void Beyond_its_range_the_largest_value_stands_in()
    {
        ScaleFormat format = ScaleFormat.HalfFor(1f);
        Assert.True(float.IsFinite(format.Round(float.MaxValue)));
        Assert.Equal(-format.Round(float.MaxValue), format.Round(float.MinValue));
        Assert.True(format.Round(float.MaxValue) >= 8);
        Assert.Equal(0f, format.Round(float.Epsilon));
    }

    [Fact]
    public void Exact_means_exact()
    {
        Assert.Equal(MathF.PI, ScaleFormat.Exact.Round(MathF.PI));
        Assert.Equal(new ScaleFormat(ScaleKind.Half, 0), ScaleFormat.HalfFor(0f));
    }
}
