using Halfbit.Numerics;

namespace Halfbit.Tests.Numerics;

public sealed class HalfConversionTests
{
    [Fact]
    public void Every_half_precision_number_is_widened_exactly()
    {
        Half[] all = [.. Enumerable.Range(0, 1 << 16).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits))];
        var wide = new float[all.Length];
        HalfConversion.WidenHalf(all, wide);
        for (int k = 0; k < all.Length; k++)
        {
            var expected = (float)all[k];
            if (float.IsNaN(expected)) Assert.True(float.IsNaN(wide[k]), $"half {k:X4} became {wide[k]}");
            else Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(wide[k]));
        }
    }

    [Theory, InlineData(0), InlineData(1), InlineData(7), InlineData(8), InlineData(9), InlineData(31)]
    public void Any_number_of_values_is_widened_and_nothing_behind_them_is_touched(int count)
    {
        Half[] values = [.. Enumerable.Range(1, count).Select(k => (Half)(k / 8f))];
        var wide = new float[count + 4];
        HalfConversion.WidenHalf(values, wide);
        for (int k = 0; k < wide.Length; k++) Assert.Equal(k < count ? (k + 1) / 8f : 0f, wide[k]);
    }
}
