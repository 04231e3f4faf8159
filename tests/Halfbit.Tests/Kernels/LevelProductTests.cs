using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Representation;
using Halfbit.Tests.Packing;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Kernels;

/// <summary>Products of expanded codes against those from bit planes: the same bits.</summary>
public sealed class LevelProductTests
{
    public static TheoryData<string> Names() => [.. DenseKernel.All.Where(k => k.IsAvailable).Select(k => k.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Products_have_the_bits_of_those_from_planes(string name)
    {
        DenseKernel.Choice choice = DenseKernel.Choose(name);
        var random = new Random(21);
        foreach ((int rows, int columns, int tokens) in ((int, int, int)[])[(1, 1, 1), (300, 200, 7), (129, 450, 27), (64, 129, 13), (40, 333, 24)])
        {
            foreach (int bits in (int[])[1, 2, 3, 4, 8])
            {
                foreach (string kind in (string[])["grid", "grid zero"])
                {
                    TiledMatrix tiled = Tiled(RandomMatrices.Part(kind, random, rows, columns, exact: bits == 3, bits));
                    foreach (bool isExact in (bool[])[false, true]) AssertSame(tiled, Random(random, tokens, columns), isExact, LevelKernel.Of(choice), PlaneKernel.Of(choice));
                }
            }
        }
    }

    [Fact]
    public void Many_rows_of_activations_are_taken_in_several_goes()
    {
        // 2^22 bytes of activations are 102 rows of 16-bit numbers, or 96 rows of three parts.
        var random = new Random(22);
        const int Columns = 160 * 128;
        TiledMatrix tiled = Tiled(Grid(random, 40, Columns, 2, 128));
        foreach (bool isExact in (bool[])[false, true]) AssertSame(tiled, Random(random, 110, Columns), isExact, LevelKernel.Current, PlaneKernel.Current);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(7)]
    public void Neither_threads_nor_other_rows_show_in_a_row(int threads)
    {
        var random = new Random(24);
        TiledMatrix tiled = Tiled(Grid(random, 200, 700, 4, 128));
        Matrix X = Random(random, 211, 700);
        var expected = new Matrix(211, 200);
        TiledProduct.Run(tiled, X.View, expected.View, isExact: false, PlaneKernel.Current);
        using var count = new ThreadCount(threads);
        foreach ((int first, int rows) in ((int, int)[])[(0, 211), (0, 1), (100, 17), (210, 1)])
        {
            var part = new Matrix(rows, 200);
            LevelProduct.Run(tiled, X.View.RowRange(first, rows), part.View, isExact: false, LevelKernel.Current);
            for (int t = 0; t < rows; t++) Assert.Equal(expected.Row(first + t), part.Row(t));
        }
    }

    [Fact]
    public void Activations_that_are_not_finite_or_all_zero_show_in_the_result()
    {
        var X = new Matrix(3, 300);
        X[1, 4] = float.PositiveInfinity;
        X[2, 299] = float.NaN;
        var Y = new Matrix(3, 70);
        LevelProduct.Run(Tiled(Grid(new Random(25), 70, 300, 4, 128)), X.View, Y.View, isExact: false, LevelKernel.Current);
        Assert.All(Y.Row(0).ToArray(), y => Assert.Equal(0f, y));
        Assert.All(Y.Row(1).ToArray(), y => Assert.False(float.IsFinite(y)));
        Assert.All(Y.Row(2).ToArray(), y => Assert.False(float.IsFinite(y)));
    }

    [Theory, MemberData(nameof(Names))]
    public void Only_codes_with_small_zero_codes_and_only_for_many_rows_are_expanded(string name)
    {
        LevelKernel kernel = LevelKernel.Of(DenseKernel.Choose(name));
        var random = new Random(26);
        TiledMatrix codes = Tiled(RandomMatrices.Part("grid zero", random, 40, 50, bits: 8));
        Assert.Equal(kernel is not LevelKernelScalar, LevelProduct.IsFor(codes, 64, kernel));
        Assert.False(LevelProduct.IsFor(codes, 1, kernel));
        foreach (string kind in (string[])["grid wide", "sign", "sign mu"]) Assert.False(LevelProduct.IsFor(Tiled(RandomMatrices.Part(kind, random, 40, 50, bits: 8)), 1 << 20, kernel));
    }

    [Theory, InlineData("grid"), InlineData("grid wide")]
    public void A_matrix_gives_the_same_bits_for_one_row_and_for_many(string kind)
    {
        var random = new Random(27);
        foreach (int bits in (int[])[2, 4, 8])
        {
            TiledMatrix tiled = Tiled(RandomMatrices.Part(kind, random, 150, 260, bits: bits));
            Matrix X = Random(random, 50, 260);
            foreach (bool isExact in (bool[])[false, true])
            {
                var all = new Matrix(50, 150);
                tiled.MultiplyTransposed(X.View, all.View, isExact);
                var one = new Matrix(1, 150);
                tiled.MultiplyTransposed(X.View.RowRange(31, 1), one.View, isExact);
                Assert.Equal(one.Row(0), all.Row(31));
            }
        }
    }

    private static TiledMatrix Tiled(QuantizedMatrix matrix) => Tiling.Of(matrix, matrix)!;

    private static GridMatrix Grid(Random random, int rows, int columns, int bits, int groupSize)
    {
        var codes = new byte[rows * columns];
        foreach (ref byte code in codes.AsSpan()) code = (byte)random.Next(1 << bits);
        float[] steps = [.. Enumerable.Range(0, rows * ColumnRange.CountOf(columns, groupSize)).Select(_ => (float)(Half)random.NextSingle())];
        return new GridMatrix(rows, columns, bits, codes, groupSize, steps, null, new ScaleFormat(ScaleKind.Half, 0));
    }

    private static void AssertSame(TiledMatrix tiled, Matrix X, bool isExact, LevelKernel kernel, PlaneKernel planes)
    {
        var expected = new Matrix(X.Rows, tiled.Rows);
        var actual = new Matrix(X.Rows, tiled.Rows);
        actual.Data.AsSpan().Fill(float.NaN);
        TiledProduct.Run(tiled, X.View, expected.View, isExact, planes);
        LevelProduct.Run(tiled, X.View, actual.View, isExact, kernel);
        Assert.Equal(expected.Data, actual.Data);
    }

    private static Matrix Random(Random random, int rows, int columns)
    {
        var X = new Matrix(rows, columns);
        foreach (ref float x in X.Data.AsSpan()) x = (float)RandomMatrices.Normal(random);
        return X;
    }
}
