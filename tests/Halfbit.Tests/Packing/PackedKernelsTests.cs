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

    [Theory, InlineData(1, 0.3), InlineData(63, 0.9), InlineData(300, 0.5), InlineData(700, 0.05)]
    public void Masks_of_which_only_some_weights_are_coded_are_decoded_as_defined(int columns, double share)
    {
        var random = new Random(6);
        byte[] rowClasses = [.. Enumerable.Range(0, 40).Select(_ => (byte)random.Next(4))];
        MaskToCode Random(BitMatrix? valid)
        {
            BitMatrix mask = RandomMatrices.Mask(random, 40, columns, 0.4);
            if (valid is not null) for (int w = 0; w < mask.Words.Length; w++) mask.Words[w] &= valid.Words[w];
            return new MaskToCode(mask, valid, new MaskModelParameters(16, 3, 5, 2, 4, -20), [.. Enumerable.Range(0, columns).Select(_ => (byte)random.Next(8))], rowClasses);
        }

        MaskToCode[] masks = [Random(null), Random(RandomMatrices.Mask(random, 40, columns, share)), Random(RandomMatrices.Mask(random, 40, columns, 1 - share)), Random(new BitMatrix(40, columns))];
        (int[] offsets, byte[] stream) = MaskEncoder.Encode(masks, 64);
        Assert.Equal([0], offsets);
        var fast = new MaskDecoder(stream, new uint[16]);
        var slow = new MaskDecoder(stream, new uint[16]);
        for (int group = 0; group < 40; group += 16)
        {
            int active = Math.Min(16, 40 - group);
            foreach (MaskToCode coded in masks)
            {
                var frequencies = new uint[8 * 16];
                for (int c = 0; c < 8; c++)
                {
                    for (int l = 0; l < active; l++) frequencies[(c * 16) + l] = coded.Model.Frequency(c, rowClasses[group + l]);
                }

                var valid = new ushort[coded.Valid is null ? 0 : columns];
                for (int j = 0; j < valid.Length; j++)
                {
                    for (int l = 0; l < active; l++) valid[j] |= (ushort)((coded.Valid![group + l, j] ? 1 : 0) << l);
                }

                var fastMasks = new ushort[columns];
                var slowMasks = new ushort[columns];
                fast.DecodeGroup(coded.ColumnClasses, frequencies, active, valid, fastMasks);
                slow.DecodeScalar(coded.ColumnClasses, frequencies, active, valid, slowMasks);
                Assert.Equal(slowMasks, fastMasks);
                for (int l = 0; l < active; l++)
                {
                    for (int j = 0; j < columns; j++) Assert.Equal(coded.Mask[group + l, j], (slowMasks[j] >> l & 1) != 0);
                }
            }
        }

        Assert.True(fast.IsAtEnd);
        Assert.True(slow.IsAtEnd);
    }

    [Fact]
    public void Rows_are_turned_into_columns_as_defined_and_back()
    {
        var random = new Random(7);
        for (int columns = 1; columns <= 200; columns++)
        {
            int rows = random.Next(1, 17);
            BitMatrix bits = RandomMatrices.Mask(random, rows, columns, 0.5);
            var fast = new ushort[columns];
            var slow = new ushort[columns];
            RowLanes.Of(bits.Words, rows, bits.WordsPerRow, fast);
            RowLanes.OfScalar(bits.Words, rows, bits.WordsPerRow, 0, slow);
            Assert.Equal(slow, fast);
            var back = new ulong[bits.Words.Length];
            MaskRows.Transpose(fast, rows, bits.WordsPerRow, back);
            Assert.Equal(bits.Words, back);
        }
    }

    [Fact]
    public void Bits_of_every_count_and_start_are_read_as_written()
    {
        var random = new Random(8);
        for (int count = 0; count <= 64; count++)
        {
            for (int start = 0; start < 24; start++)
            {
                ulong value = (ulong)random.NextInt64() ^ ((ulong)random.NextInt64() << 1);
                if (count < 64) value &= (1ul << count) - 1;
                var bytes = new byte[((start + count + 7) / 8) + random.Next(12)];
                BitPacking.Write(bytes, start, count, value);
                Assert.Equal(value, BitPacking.Read(bytes, start, count));
                long set = bytes.Sum(b => long.PopCount(b));
                Assert.Equal((long)ulong.PopCount(value), set);
            }
        }

        Assert.Equal(0ul, BitPacking.Read([], 0, 64));
    }

    [Fact]
    public void Bits_are_spread_over_masks_and_gathered_as_defined()
    {
        var random = new Random(9);
        for (int trial = 0; trial < 2000; trial++)
        {
            ulong mask = (ulong)random.NextInt64() ^ ((ulong)random.NextInt64() << 1);
            if (trial % 3 == 0) mask &= (ulong)random.NextInt64();
            ulong bits = (ulong)random.NextInt64();
            ulong spread = BitPacking.DepositScalar(bits, mask);
            Assert.Equal(spread, BitPacking.Deposit(bits, mask));
            Assert.Equal(0ul, spread & ~mask);
            Assert.Equal(BitPacking.ExtractScalar(bits, mask), BitPacking.Extract(bits, mask));
            Assert.Equal(bits & ((1ul << (int)ulong.PopCount(mask)) - 1), BitPacking.ExtractScalar(spread, mask));
        }
    }

    [Fact]
    public void Members_of_a_group_are_expanded_as_defined_wherever_a_piece_starts()
    {
        var random = new Random(10);
        for (int trial = 0; trial < 3000; trial++)
        {
            int columns = random.Next(1, 200);
            int start = random.Next(columns);
            int end = random.Next(start, columns + 1);
            BitMatrix bits = RandomMatrices.Mask(random, 3, columns, random.Next(3) == 0 ? 0.05 : 0.5);
            float[] Numbers() => random.Next(2) == 0 ? [] : [.. Enumerable.Range(0, columns).Select(_ => random.Next(9) == 0 ? -0f : (float)RandomMatrices.Normal(random))];
            var scales = new GroupScales(random.Next(2) == 0 ? -0f : 0.3f, random.Next(4) == 0 ? 0f : 1.7f, random.Next(4) == 0 ? -0f : 0.7f, random.Next(2) == 0);
            (float[] beta, float[] secondBeta) = (Numbers(), Numbers());
            float[] fast = [.. Enumerable.Range(0, columns).Select(j => (float)j)];
            float[] slow = [.. fast];
            GroupExpansion.Expand(bits.Row(0), bits.Row(1), bits.Row(2), scales, beta, secondBeta, start, end, fast);
            GroupExpansion.ExpandScalar(bits.Row(0), bits.Row(1), bits.Row(2), scales, beta, secondBeta, start, end, slow);
            Logical.AssertSameBits(slow, fast);
        }
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
