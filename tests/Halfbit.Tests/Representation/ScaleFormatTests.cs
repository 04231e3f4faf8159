using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Tests.Representation;

public sealed class ScaleFormatTests
{
    [Theory, InlineData(-126), InlineData(-24), InlineData(-12), InlineData(0), InlineData(7), InlineData(100), InlineData(126)]
    public void Every_stored_number_is_its_own_rounding_and_survives_packing(int exponent)
    {
        var format = new ScaleFormat(ScaleKind.Half, exponent);
        var values = new List<float>();
        for (int pattern = 0; pattern <= ushort.MaxValue; pattern++)
        {
            Half half = BitConverter.UInt16BitsToHalf((ushort)pattern);
            float value = format.Decode(half);
            if (!Half.IsFinite(half) || !float.IsFinite(value)) continue;
            Assert.Equal(Math.ScaleB((double)half, exponent), value, Math.ScaleB(1.0, -150));
            if (Math.ScaleB((double)half, exponent) != value) continue;
            Assert.Equal(BitConverter.SingleToInt32Bits(value), BitConverter.SingleToInt32Bits(format.Round(value)));
            values.Add(value);
        }

        Assert.True(values.Count > 10_000);
        var matrix = new PlainMatrix(new Matrix(1, values.Count, [.. values]), format);
        var row = new float[values.Count];
        new PackedMatrix(Packer.Pack(matrix)).ReadRows(0, new MatrixView<float>(row, 1, row.Length));
        Packing.Logical.AssertSameBits([.. values], row);
    }

    [Fact]
    public void Rounding_takes_the_nearest_number_and_the_largest_beyond_the_range()
    {
        var random = new Random(1);
        var format = new ScaleFormat(ScaleKind.Half, -16);
        for (int trial = 0; trial < 20_000; trial++)
        {
            var value = (float)Math.ScaleB(random.NextDouble() - 0.5, random.Next(-50, 5));
            Half stored = format.Encode(value);
            double error = Math.Abs(format.Decode(stored) - (double)value);
            double limit = (double)Half.MaxValue / 65536;
            if (Math.Abs(value) > limit)
            {
                Assert.Equal(Math.CopySign(limit, value), format.Round(value));
                continue;
            }

            foreach (Half neighbour in (Half[])[Half.BitIncrement(stored), Half.BitDecrement(stored)])
            {
                if (Half.IsFinite(neighbour)) Assert.True(error <= Math.Abs(format.Decode(neighbour) - (double)value), $"{value:R} became {format.Round(value):R}");
            }
        }
    }

    [Theory, InlineData(1f), InlineData(1.999f), InlineData(0.03125f), InlineData(3e-5f), InlineData(6e4f), InlineData(1e-20f), InlineData(1e20f)]
    public void The_largest_weight_lies_between_two_to_the_12_and_13(float largest)
    {
        ScaleFormat format = ScaleFormat.HalfFor(largest);
        Assert.InRange(Math.ScaleB((double)largest, -format.Exponent), 4096, 8191.9999999);
        Assert.True(Math.Abs(format.Round(largest) - largest) <= largest / 2048);
    }

    [Fact]
    public void Without_rounding_every_number_stays_as_it_is()
    {
        Assert.Equal(0.1f, ScaleFormat.Exact.Round(0.1f));
        Assert.Equal(new ScaleFormat(ScaleKind.Half, 0), ScaleFormat.HalfFor(0));
    }

    [Theory, InlineData(-126), InlineData(-24), InlineData(-5), InlineData(0), InlineData(7), InlineData(100)]
    public void Every_byte_is_its_own_rounding_and_larger_codes_stand_for_larger_numbers(int exponent)
    {
        var format = new ScaleFormat(ScaleKind.Byte, exponent);
        float last = -1;
        for (int code = 0; code <= 255; code++)
        {
            int x = code >> 4;
            double expected = Math.ScaleB(x == 0 ? code : (16 + (code & 15)) * Math.Pow(2, x - 1), exponent);
            float value = format.Decode((byte)code);
            Assert.Equal(expected, value);
            Assert.Equal(code, format.EncodeByte(value));
            Assert.Equal(BitConverter.SingleToInt32Bits(value), BitConverter.SingleToInt32Bits(format.Round(value)));
            Assert.True(value > last);
            last = value;
        }
    }

    [Fact]
    public void Bytes_take_the_nearest_number_zero_for_negative_ones_and_the_largest_beyond_the_range()
    {
        var random = new Random(2);
        var format = new ScaleFormat(ScaleKind.Byte, -9);
        float[] values = [.. Enumerable.Range(0, 256).Select(c => format.Decode((byte)c))];
        for (int trial = 0; trial < 20_000; trial++)
        {
            var value = (float)Math.ScaleB(random.NextDouble(), random.Next(-14, 14));
            double nearest = values.Min(v => Math.Abs(v - (double)value));
            Assert.Equal(nearest, Math.Abs(format.Round(value) - (double)value));
            if (value > values[16] && value < values[255]) Assert.True(nearest <= value / 32, $"{value:R} became {format.Round(value):R}");
        }

        Assert.Equal((0f, 0f, values[255]), (format.Round(-1f), format.Round(-0f), format.Round(1e30f)));
    }

    [Theory, InlineData(1f), InlineData(0.03125f), InlineData(6e4f)]
    public void Bytes_reach_beyond_the_largest_weight_and_far_below_it(float largest)
    {
        ScaleFormat half = ScaleFormat.HalfFor(largest);
        ScaleFormat bytes = half.ToByte();
        Assert.Equal(ScaleKind.Byte, bytes.Kind);
        Assert.True(bytes.Decode(byte.MaxValue) > largest);
        Assert.True(bytes.Decode(16) < largest / 2000);
        Assert.Equal(ScaleFormat.Exact, ScaleFormat.Exact.ToByte());
    }
}
