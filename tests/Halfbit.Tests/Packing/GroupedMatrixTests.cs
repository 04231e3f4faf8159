using Halfbit.Packing;
using Halfbit.Representation;

namespace Halfbit.Tests.Packing;

public sealed class GroupedMatrixTests
{
    private static readonly (int Rows, int Columns)[] Shapes = [(1, 1), (1, 7), (5, 1), (3, 8), (17, 63), (16, 64), (33, 65), (70, 130), (9, 257), (130, 36)];

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7)]
    public void Unpacking_inverts_packing_and_expanded_rows_are_bit_identical(int seed)
    {
        var random = new Random(seed);
        for (int trial = 0; trial < 12; trial++)
        {
            RandomGroups kind = RandomGroups.Any(random);
            foreach ((int rows, int columns) in Shapes) AssertInverse(kind.Create(random, rows, columns), null, random);
        }
    }

    public static TheoryData<int, int> PatternRows()
    {
        var rows = new TheoryData<int, int>();
        foreach (NOfM pattern in RandomGroups.Patterns) rows.Add(pattern.N, pattern.M);
        return rows;
    }

    [Theory, MemberData(nameof(PatternRows))]
    public void Patterns_come_back_however_they_are_stored(int n, int m)
    {
        var random = new Random((n * 100) + m);
        var pattern = new NOfM(n, m);
        foreach ((int rows, int columns) in ((int, int)[])[(1, 1), (3, m), (5, (3 * m) - 1), (40, (2 * m) + 1), (20, 300)])
        {
            foreach (int groups in (int[])[1, 3])
            {
                GroupedSignMatrix matrix = new RandomGroups(1, groups, 2, 1, pattern).Create(random, rows, columns);
                AssertInverse(matrix, null, random);
                if (matrix.Keep!.CountSet() == (long)rows * columns) continue;
                foreach (KeepEncoding keep in (KeepEncoding[])[KeepEncoding.Runs, KeepEncoding.Bitmap, KeepEncoding.Coded]) AssertInverse(matrix, keep, random);
            }
        }
    }

    [Fact]
    public void Matrices_of_several_row_blocks_are_read_from_any_row()
    {
        var random = new Random(7);
        foreach ((int rows, int columns) in ((int, int)[])[(300, 1030), (129, 2048), (200, 400)])
        {
            foreach (RandomGroups kind in (RandomGroups[])[new(1, 3, 2, 1, new NOfM(4, 8)), new(1, 2, 2, 1) { GroupSize = 128 }, new(2, 2, 3, 3, null, 0.3, true, true), new(0, 4, 1, 1, new NOfM(3, 5))])
            {
                GroupedSignMatrix matrix = kind.Create(random, rows, columns);
                var packed = new PackedMatrix(Packer.Pack(matrix));
                AssertSameMeaning(matrix, (GroupedSignMatrix)packed.Unpack());
                for (int trial = 0; trial < 15; trial++)
                {
                    int first = random.Next(rows);
                    int count = random.Next(1, Math.Min(150, rows - first) + 1);
                    Logical.AssertSameBits(Logical.Rows(matrix, first, count, columns), Logical.Rows(packed, first, count, columns));
                }

                for (int first = 0; first < rows; first += 16)
                    Logical.AssertSameBits(Logical.Rows(matrix, first, Math.Min(16, rows - first), columns), Logical.Rows(packed, first, Math.Min(16, rows - first), columns));
            }
        }
    }

    private static void AssertInverse(GroupedSignMatrix matrix, KeepEncoding? keep, Random random)
    {
        byte[] blob = GroupedPacker.Pack(matrix, keep);
        if (keep is null) Assert.Equal(Packer.Pack(matrix), blob);
        var packed = new PackedMatrix(blob);
        Assert.Equal((matrix.Rows, matrix.Columns, blob.Length), (packed.Rows, packed.Columns, packed.ByteCount));
        Assert.Equal(blob.Length, packed.Sections.Sum(s => s.ByteCount));
        Assert.Equal(2, blob[8]);
        if (keep is not null) Assert.Equal((int)keep, blob[28]);
        var unpacked = (GroupedSignMatrix)packed.Unpack();
        AssertSameMeaning(matrix, unpacked);
        int first = random.Next(matrix.Rows);
        int count = random.Next(1, matrix.Rows - first + 1);
        int stride = matrix.Columns + random.Next(3);
        Logical.AssertSameBits(Logical.Rows(matrix, first, count, stride), Logical.Rows(packed, first, count, stride));
        Logical.AssertSameBits(Logical.Rows(matrix, 0, matrix.Rows, stride), Logical.Rows(packed, 0, matrix.Rows, stride));
        Assert.Equal(blob, GroupedPacker.Pack(unpacked, keep));
    }

    /// <summary>Everything that has a meaning is equal: tables where columns use them, groups and signs of kept weights.</summary>
    private static void AssertSameMeaning(GroupedSignMatrix expected, GroupedSignMatrix actual)
    {
        Assert.Equal((expected.Rows, expected.Columns, expected.GroupSize, expected.SalientGroups, expected.Pattern), (actual.Rows, actual.Columns, actual.GroupSize, actual.SalientGroups, actual.Pattern));
        bool IsSalient(GroupedSignMatrix m, int j) => m.IsSalient is not null && m.IsSalient[j];
        bool IsKept(GroupedSignMatrix m, int i, int j) => m.Keep is null || m.Keep[i, j];
        for (int j = 0; j < expected.Columns; j++) Assert.Equal(IsSalient(expected, j), IsSalient(actual, j));
        for (int i = 0; i < expected.Rows; i++)
        {
            for (int j = 0; j < expected.Columns; j++)
            {
                if (IsKept(expected, i, j) != IsKept(actual, i, j)) Assert.Fail($"({i}, {j}) is kept in one only");
                if (!IsKept(expected, i, j)) continue;
                int g = expected.Group(i, j);
                if (g != actual.Group(i, j)) Assert.Fail($"({i}, {j}) is in group {actual.Group(i, j)}, expected {g}");
                if (expected.Signs[i, j] != actual.Signs[i, j]) Assert.Fail($"sign ({i}, {j}) differs");
                if (expected.Groups[g].Planes == 2 && expected.SecondSigns![i, j] != actual.SecondSigns![i, j]) Assert.Fail($"second sign ({i}, {j}) differs");
            }
        }

        for (int g = 0; g < expected.Groups.Count; g++)
        {
            (SignGroup a, SignGroup b) = (expected.Groups[g], actual.Groups[g]);
            Assert.Equal((a.Planes, a.AlphaFormat, a.MuFormat, a.BetaFormat, a.HasByteScales), (b.Planes, b.AlphaFormat, b.MuFormat, b.BetaFormat, b.HasByteScales));
            bool IsUsed(int j) => IsSalient(expected, j) == g < expected.SalientGroups;
            int[] columns = [.. Enumerable.Range(0, expected.Columns).Where(IsUsed)];
            int[] entries = [.. Enumerable.Range(0, expected.Rows).SelectMany(i => columns.Select(j => (i * expected.Blocks) + (j / expected.GroupSize))).Distinct()];
            void Same(float[]? x, float[]? y, int[] places)
            {
                Assert.Equal(x is null, y is null);
                if (x is not null) Logical.AssertSameBits([.. places.Select(k => x[k])], [.. places.Select(k => y![k])]);
            }

            for (int k = 0; k < a.Planes; k++)
            {
                Same(a.Alpha[k], b.Alpha[k], entries);
                Same(a.Beta?[k], b.Beta?[k], columns);
            }

            Same(a.Mu, b.Mu, entries);
        }
    }
}
