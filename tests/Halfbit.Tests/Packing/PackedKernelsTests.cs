using Halfbit.Numerics;
using Halfbit.Packing;

namespace Halfbit.Tests.Packing;

/// <summary>Each fast path against the plain definition beside it.</summary>
public sealed class PackedKernelsTests
{
    [Fact]
    public void Codes_of_every_width_start_and_length_are_read_as_defined()
    {
        var random = new Random(1);
        for (int bits = 1; bits <= 8; bits++)
        {
            for (int length = 0; length <= 80; length++)
            {
                long firstBit = random.Next(30) * (long)bits;
                byte[] codes = [.. Enumerable.Range(0, length).Select(_ => (byte)random.Next(1 << bits))];
                var packed = new byte[CodePacking.ByteCount((firstBit / bits) + length, bits)];
                CodePacking.Write(codes, bits, firstBit, packed);
                var fast = new byte[length];
                var slow = new byte[length];
                CodePacking.Read(packed, firstBit, bits, fast);
                CodePacking.ReadScalar(packed, firstBit, bits, slow);
                Assert.Equal(codes, slow);
                Assert.Equal(codes, fast);
            }
        }
    }

    [Fact]
    public void Signs_of_every_start_and_length_are_expanded_as_defined()
    {
        var random = new Random(2);
        var plane = new byte[64];
        random.NextBytes(plane);
        for (int start = 0; start < 40; start++)
        {
            for (int length = 0; length <= 257; length++)
            {
                var fast = new float[length];
                var slow = new float[length];
                RowExpansion.Signs(plane.AsSpan(0, (start + length + 7) / 8), start, 0.25f, -0.5f, fast);
                RowExpansion.SignsScalar(plane, start, 0.25f, -0.5f, slow);
                Assert.Equal(slow, fast);
            }
        }
    }

    [Fact]
    public void Grid_codes_of_every_length_are_expanded_as_defined()
    {
        var random = new Random(3);
        for (int length = 0; length <= 257; length++)
        {
            var codes = new byte[length];
            random.NextBytes(codes);
            int zero = random.Next(short.MinValue, short.MaxValue + 1);
            var fast = new float[length];
            var slow = new float[length];
            RowExpansion.Grid(codes, 0.0123f, zero, fast);
            RowExpansion.GridScalar(codes, 0.0123f, zero, slow);
            Logical.AssertSameBits(slow, fast);
        }
    }

    [Fact]
    public void Masks_are_transposed_as_defined()
    {
        var random = new Random(4);
        for (int columns = 1; columns <= 200; columns++)
        {
            var columnMasks = new ushort[columns];
            for (int j = 0; j < columns; j++) columnMasks[j] = (ushort)random.Next(1 << 16);
            int words = (columns + 63) / 64;
            int rows = random.Next(1, 17);
            var fast = new ulong[rows * words];
            var slow = new ulong[rows * words];
            MaskRows.Transpose(columnMasks, rows, words, fast);
            MaskRows.TransposeScalar(columnMasks, rows, words, 0, slow);
            Assert.Equal(slow, fast);
        }
    }

    [Theory, InlineData(1), InlineData(63), InlineData(300)]
    public void Coded_masks_are_decoded_as_defined(int columns)
    {
        var random = new Random(5);
        var model = new MaskModelParameters(16, 3, 5, 2, 4, -20);
        byte[] columnClasses = [.. Enumerable.Range(0, columns).Select(_ => (byte)random.Next(8))];
        byte[] rowClasses = [.. Enumerable.Range(0, 32).Select(_ => (byte)random.Next(4))];
        BitMatrix mask = RandomMatrices.Mask(random, 32, columns, 0.3);
        CodedMask coded = MaskEncoder.Encode(mask, 32, model, columnClasses, rowClasses);
        var fast = new MaskDecoder(coded.Stream, new uint[16]);
        var slow = new MaskDecoder(coded.Stream, new uint[16]);
        for (int group = 0; group < 32; group += 16)
        {
            var frequencies = new uint[8 * 16];
            for (int c = 0; c < 8; c++)
            {
                for (int l = 0; l < 16; l++) frequencies[(c * 16) + l] = model.Frequency(c, rowClasses[group + l]);
            }

            var fastMasks = new ushort[columns];
            var slowMasks = new ushort[columns];
            fast.DecodeGroup(columnClasses, frequencies, 16, [], fastMasks);
            slow.DecodeScalar(columnClasses, frequencies, 16, [], slowMasks);
            Assert.Equal(slowMasks, fastMasks);
            for (int l = 0; l < 16; l++)
            {
                for (int j = 0; j < columns; j++) Assert.Equal(mask[group + l, j], (slowMasks[j] >> l & 1) != 0);
            }
        }

        Assert.True(fast.IsAtEnd);
        Assert.True(slow.IsAtEnd);
    }

    [Fact]
    public void Probabilities_follow_the_logistic_curve_and_costs_the_logarithm()
    {
        for (int t = -40; t <= 40; t++)
        {
            uint frequency = MaskProbability.Frequency(t);
            double expected = 16384 / (1 + Math.Exp(-t / 4.0));
            Assert.InRange(frequency, Math.Max(1, expected - 0.5000001), Math.Min(16383, expected + 0.5000001) + (expected < 1 ? 1 : 0));
            Assert.InRange(MaskProbability.Cost(frequency) / 65536.0, -Math.Log2(frequency / 16384.0) - 1e-4, -Math.Log2(frequency / 16384.0) + 1e-4);
        }

        Assert.Equal(MaskProbability.Frequency(40), MaskProbability.Frequency(1000));
    }
}
