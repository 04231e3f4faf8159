using Halfbit.Kernels;
using Halfbit.Numerics;
using Halfbit.Packing;
using Halfbit.Representation;
using Halfbit.Tests.Packing;

namespace Halfbit.Tests.Kernels;

/// <summary>Products from packed bits against products of the expanded weights, on random matrices of every form.</summary>
public sealed class TiledMatrixTests
{
    public static TheoryData<string, int> Forms()
    {
        var forms = new TheoryData<string, int>();
        foreach (string kind in (string[])["sign", "sign mu", "grid", "grid zero", "grid wide", "groups", "mixed"])
        {
            for (int seed = 0; seed < 6; seed++) forms.Add(kind, seed);
        }

        return forms;
    }

    [Theory, MemberData(nameof(Forms))]
    public void Products_are_those_of_the_expanded_weights(string kind, int seed)
    {
        var random = new Random(seed);
        for (int trial = 0; trial < 6; trial++)
        {
            (int rows, int columns, int tokens) = (random.Next(1, 200), random.Next(1, 400), random.Next(4) == 0 ? random.Next(1, 40) : 1);
            QuantizedMatrix matrix = kind == "mixed" ? Mixed(random, rows, columns) : kind == "groups" ? Near(RandomGroups.Any(random).Create(random, rows, columns), random) : RandomMatrices.Part(kind, random, rows, columns, exact: seed == 5);
            var packed = new PackedMatrix(Packer.Pack(matrix));
            TiledMatrix tiled = Assert.IsType<TiledMatrix>(TiledMatrix.Of(packed));
            Matrix X = RandomX(random, tokens, columns);
            Matrix W = Matrix.Expand(packed);
            Matrix size = matrix is GroupedSignMatrix grouped ? SizeOfTerms(grouped) : W;
            Check(tiled, X, W, size, isExact: true, 4e-6);
            Check(tiled, X, W, size, isExact: false, 2.0 / 127);
        }
    }

    [Fact]
    public void Every_kernel_and_number_of_threads_and_rows_gives_the_same_bits()
    {
        var random = new Random(8);
        var packed = new PackedMatrix(Packer.Pack(new RandomGroups(1, 3, 2, 1, new NOfM(4, 8), Kind: ScaleKind.Byte) { GroupSize = 128 }.Create(random, 700, 900)));
        TiledMatrix tiled = Assert.IsType<TiledMatrix>(TiledMatrix.Of(packed));
        Matrix X = RandomX(random, 37, 900);
        var first = new Matrix(37, 700);
        TiledProduct.Run(tiled, X.View, first.View, isExact: false, new PlaneKernelScalar());
        foreach (PlaneKernel kernel in DenseKernel.All.Where(k => k.IsAvailable).Select(PlaneKernel.Of))
        {
            var all = new Matrix(37, 700);
            TiledProduct.Run(tiled, X.View, all.View, isExact: false, kernel);
            Assert.Equal(first.Row(0), all.Row(0));
            Assert.True(first.View.Data.SequenceEqual(all.View.Data));
            var one = new Matrix(1, 700);
            TiledProduct.Run(tiled, X.View.RowRange(20, 1), one.View, isExact: false, kernel);
            Assert.Equal(first.Row(20), one.Row(0));
        }
    }

    [Theory, InlineData(32, 32), InlineData(128, 128), InlineData(300, 100), InlineData(129, 500)]
    public void A_copy_multiplies_like_its_original(int rows, int columns)
    {
        var random = new Random(10);
        TiledMatrix tiled = Assert.IsType<TiledMatrix>(TiledMatrix.Of(new PackedMatrix(Packer.Pack(RandomMatrices.Part("sign", random, rows, columns)))));
        Matrix X = RandomX(random, 3, columns);
        var expected = new Matrix(3, rows);
        var copied = new Matrix(3, rows);
        tiled.MultiplyTransposed(X.View, expected.View);
        tiled.Copy().MultiplyTransposed(X.View, copied.View);
        Assert.True(expected.View.Data.SequenceEqual(copied.View.Data));
    }

    [Fact]
    public void Activations_that_are_not_finite_or_all_zero_show_in_the_result()
    {
        var random = new Random(9);
        var packed = new PackedMatrix(Packer.Pack(RandomMatrices.Part("sign", random, 70, 300)));
        TiledMatrix tiled = Assert.IsType<TiledMatrix>(TiledMatrix.Of(packed));
        var X = new Matrix(3, 300);
        X[1, 4] = float.PositiveInfinity;
        X[2, 299] = float.NaN;
        var Y = new Matrix(3, 70);
        foreach (bool isExact in (bool[])[false, true])
        {
            tiled.MultiplyTransposed(X.View, Y.View, isExact);
            Assert.All(Y.Row(0).ToArray(), y => Assert.Equal(0f, y));
            Assert.All(Y.Row(1).ToArray(), y => Assert.False(float.IsFinite(y)));
            Assert.All(Y.Row(2).ToArray(), y => Assert.False(float.IsFinite(y)));
        }
    }

    private static MixedMatrix Mixed(Random random, int rows, int columns)
    {
        string[] lows = ["sign", "sign mu", "grid", "grid zero", "zero"];
        BitMatrix isSalient = random.Next(4) switch { 0 => RandomMatrices.Mask(random, rows, columns, random.Next(2)), 1 => RandomMatrices.Mask(random, rows, columns, 0.5), _ => RandomMatrices.ClusteredMask(random, rows, columns, 0.1) };
        return new MixedMatrix(isSalient, RandomMatrices.Part(random.Next(2) == 0 ? "grid zero" : "grid", random, rows, columns), RandomMatrices.Part(lows[random.Next(lows.Length)], random, rows, columns));
    }

    /// <summary>The same with column scales from 1 to 4: activations are rounded after they were multiplied by them, so that a wild column would drown the others.</summary>
    private static GroupedSignMatrix Near(GroupedSignMatrix matrix, Random random)
    {
        float[] Scales(float[] old) => [.. old.Select(_ => (float)(random.Next(16, 64) / 16.0))];
        bool isShared = random.Next(2) == 0;
        float[] shared = Scales(new float[matrix.Columns]);
        SignGroup[] groups = [.. matrix.Groups.Select(g => g.Beta is null ? g : g with { Beta = [.. g.Beta.Select(b => isShared ? shared : Scales(b))], BetaFormat = new ScaleFormat(ScaleKind.Half, 0) })];
        return new GroupedSignMatrix(matrix.Signs, groups, matrix.SalientGroups, matrix.GroupSize)
        {
            SecondSigns = matrix.SecondSigns,
            IsSalient = matrix.IsSalient,
            GroupOf = matrix.GroupOf,
            Keep = matrix.Keep,
            Pattern = matrix.Pattern,
        };
    }

    /// <summary>The sum of the absolute terms of each weight: scales and means may cancel.</summary>
    internal static Matrix SizeOfTerms(GroupedSignMatrix matrix)
    {
        var size = new Matrix(matrix.Rows, matrix.Columns);
        for (int i = 0; i < matrix.Rows; i++)
        {
            for (int j = 0; j < matrix.Columns; j++)
            {
                SignGroup group = matrix.Groups[matrix.Group(i, j)];
                int at = (i * matrix.Blocks) + (j / matrix.GroupSize);
                size[i, j] = MathF.Abs(group.Mu?[at] ?? 0) + group.Alpha.Select((a, k) => MathF.Abs(a[at] * (group.Beta?[k][j] ?? 1))).Sum();
            }
        }

        return size;
    }

    private static void Check(TiledMatrix tiled, Matrix X, Matrix W, Matrix size, bool isExact, double tolerance)
    {
        var Y = new Matrix(X.Rows, W.Rows);
        tiled.MultiplyTransposed(X.View, Y.View, isExact);
        for (int t = 0; t < X.Rows; t++)
        {
            double largest = X.Row(t).ToArray().Max(Math.Abs);
            for (int i = 0; i < W.Rows; i++)
            {
                (double sum, double magnitude) = (0, 0);
                for (int j = 0; j < W.Columns; j++)
                {
                    sum += (double)X[t, j] * W[i, j];
                    magnitude += Math.Abs(size[i, j]);
                }

                Assert.True(Math.Abs(sum - Y[t, i]) <= tolerance * magnitude * largest, $"({t}, {i}): {Y[t, i]} instead of {sum}");
            }
        }
    }

    private static Matrix RandomX(Random random, int rows, int columns)
    {
        var X = new Matrix(rows, columns);
        for (int t = 0; t < rows; t++)
        {
            for (int j = 0; j < columns; j++) X[t, j] = (float)RandomMatrices.Normal(random);
        }

        return X;
    }
}
