using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Tests.Packing;

public sealed class PackedMatrixTests
{
    private static readonly (int Rows, int Columns)[] Shapes = [(1, 1), (1, 7), (5, 1), (3, 8), (17, 63), (16, 64), (33, 65), (70, 130), (9, 257), (130, 36)];

    public static TheoryData<string, string?, double> AllKinds()
    {
        var data = new TheoryData<string, string?, double>();
        foreach (string low in RandomMatrices.Kinds)
        {
            data.Add(low, null, 0);
            foreach (string salient in RandomMatrices.Kinds)
            {
                foreach (double share in (double[])[0, 0.1, 0.6, 1]) data.Add(low, salient, share);
            }
        }

        return data;
    }

    [Theory, MemberData(nameof(AllKinds))]
    public void Unpacking_inverts_packing_and_expanded_rows_are_bit_identical(string low, string? salient, double share)
    {
        var random = new Random(HashCode(low + salient + share));
        foreach ((int rows, int columns) in Shapes)
        {
            bool exact = random.Next(3) == 0;
            QuantizedMatrix matrix = RandomMatrices.Part(low, random, rows, columns, exact);
            if (salient is not null)
                matrix = new MixedMatrix(RandomMatrices.Mask(random, rows, columns, share), RandomMatrices.Part(salient, random, rows, columns, exact), matrix);
            foreach (IndexEncoding? index in salient is null ? [null] : (IndexEncoding?[])[null, IndexEncoding.Bitmap, IndexEncoding.Coded])
                AssertInverse(matrix, index, random);
        }
    }

    [Theory, InlineData(0.02), InlineData(0.1), InlineData(0.4)]
    public void Indexes_of_several_blocks_are_read_from_any_row(double share)
    {
        var random = new Random(7);
        foreach ((int rows, int columns) in ((int, int)[])[(300, 1030), (129, 2048), (200, 400)])
        {
            var matrix = new MixedMatrix(
                RandomMatrices.ClusteredMask(random, rows, columns, share),
                RandomMatrices.Part("grid zero", random, rows, columns, bits: 8),
                RandomMatrices.Part("sign", random, rows, columns));
            foreach (IndexEncoding index in (IndexEncoding[])[IndexEncoding.Bitmap, IndexEncoding.Coded])
            {
                byte[] blob = Packer.Pack(matrix, index);
                var packed = new PackedMatrix(blob);
                Logical.AssertEqual(matrix, packed.Unpack());
                for (int trial = 0; trial < 20; trial++)
                {
                    int first = random.Next(rows);
                    int count = random.Next(1, Math.Min(150, rows - first) + 1);
                    Logical.AssertSameBits(Logical.Rows(matrix, first, count, columns), Logical.Rows(packed, first, count, columns));
                }
            }
        }
    }

    [Fact]
    public void Several_threads_may_expand_several_matrices_at_once()
    {
        var random = new Random(3);
        QuantizedMatrix[] matrices = [.. Enumerable.Range(0, 4).Select(n => new MixedMatrix(
            RandomMatrices.ClusteredMask(random, 150 + n, 500, 0.1), RandomMatrices.Part("grid", random, 150 + n, 500), RandomMatrices.Part("sign mu", random, 150 + n, 500)))];
        PackedMatrix[] packed = [.. matrices.Select(m => new PackedMatrix(Packer.Pack(m)))];
        Parallel.For(0, 200, n =>
        {
            int first = n * 37 % 120;
            Logical.AssertSameBits(Logical.Rows(matrices[n % 4], first, 30, 500), Logical.Rows(packed[n % 4], first, 30, 500));
        });
    }

    [Fact]
    public void Packing_twice_and_with_any_thread_count_gives_the_same_bytes()
    {
        var random = new Random(11);
        var matrix = new MixedMatrix(RandomMatrices.ClusteredMask(random, 300, 700, 0.1), RandomMatrices.Part("grid", random, 300, 700), RandomMatrices.Part("sign", random, 300, 700));
        byte[] expected = Packer.Pack(matrix);
        int threads = RowParallel.Threads;
        try
        {
            foreach (int count in (int[])[1, 2, 7])
            {
                RowParallel.Threads = count;
                Assert.Equal(expected, Packer.Pack(matrix));
            }
        }
        finally
        {
            RowParallel.Threads = threads;
        }
    }

    [Fact]
    public void A_range_or_width_that_leaves_the_matrix_is_refused()
    {
        var packed = new PackedMatrix(Packer.Pack(RandomMatrices.Part("sign", new Random(1), 4, 10)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Logical.Rows(packed, 3, 2, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => Logical.Rows(packed, -1, 2, 10));
        Assert.Throws<ArgumentException>(() => packed.ReadRows(0, new MatrixView<float>(new float[9], 1, 9)));
    }

    private static void AssertInverse(QuantizedMatrix matrix, IndexEncoding? index, Random random)
    {
        byte[] blob = Packer.Pack(matrix, index);
        var packed = new PackedMatrix(blob);
        if (index is not null) Assert.Equal(index, packed.Index);
        Assert.Equal((matrix.Rows, matrix.Columns, blob.Length), (packed.Rows, packed.Columns, packed.ByteCount));
        Assert.Equal(blob.Length, packed.Sections.Sum(s => s.ByteCount));
        Logical.AssertEqual(matrix, packed.Unpack());
        int first = random.Next(matrix.Rows);
        int count = random.Next(1, matrix.Rows - first + 1);
        int stride = matrix.Columns + random.Next(3);
        Logical.AssertSameBits(Logical.Rows(matrix, first, count, stride), Logical.Rows(packed, first, count, stride));
        Logical.AssertSameBits(Logical.Rows(matrix, 0, matrix.Rows, stride), Logical.Rows(packed, 0, matrix.Rows, stride));
        if (index is null) Assert.Equal(blob, Packer.Pack(packed.Unpack()));
    }

    private static int HashCode(string text) => text.Aggregate(17, (hash, c) => unchecked((hash * 31) + c));
}
