using Halfbit.Numerics;

namespace Halfbit.Tests.Numerics;

[Collection("thread count")]
public sealed class UpperFactorTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(129)]
    [InlineData(200)]
    public void The_factor_equals_the_column_by_column_definition(int n)
    {
        Matrix H = PositiveDefinite(n, seed: n);
        var expected = new Matrix(n, n);
        var actual = new Matrix(n, n);
        UpperFactorDefinition.OfInverse(H.View, expected.View);
        UpperFactor.OfInverse(H.View, actual.View);

        // Both are computed in double precision: relative to the row's largest element they differ by far less than one rounding to single precision.
        for (int i = 0; i < n; i++)
        {
            float largest = 0;
            for (int j = i; j < n; j++) largest = Math.Max(largest, Math.Abs(expected[i, j]));
            for (int j = 0; j < n; j++)
            {
                float bound = MathF.BitIncrement(Math.Abs(expected[i, j])) - Math.Abs(expected[i, j]) + (1e-12f * largest);
                Assert.True(Math.Abs(expected[i, j] - actual[i, j]) <= bound, $"n {n} [{i}, {j}]: expected {expected[i, j]:r}, actual {actual[i, j]:r}");
            }
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(150)]
    [InlineData(333)]
    public void U_turns_H_into_the_identity_and_its_square_is_the_inverse(int n)
    {
        // U holds single-precision roundings of the exact factor: |δU| ≤ 2⁻²⁴·|U|. Then |U·H·Uᵀ − I| ≤ 2·2⁻²⁴·|U|·|H|·|U|ᵀ to first order,
        // and |UᵀU·H − I| ≤ 2·2⁻²⁴·|U|ᵀ·|U|·|H|. A factor 1.01 covers the second order and the double-precision sums.
        Matrix H = PositiveDefinite(n, seed: 7);
        var U = new Matrix(n, n);
        UpperFactor.OfInverse(H.View, U.View);
        double[,] u = Widen(U, symmetric: false);
        double[,] h = Widen(H, symmetric: true);
        double unit = 1.01 * 2 * Math.Pow(2, -24);

        AssertNearIdentity(Product(Product(u, h), Transpose(u)), Product(Product(Absolute(u), Absolute(h)), Transpose(Absolute(u))), unit, "U·H·Uᵀ");
        AssertNearIdentity(Product(Product(Transpose(u), u), h), Product(Product(Transpose(Absolute(u)), Absolute(u)), Absolute(h)), unit, "UᵀU·H");
    }

    [Fact]
    public void Threads_kernels_and_place_do_not_change_a_bit()
    {
        const int n = 300;
        Matrix H = PositiveDefinite(n, seed: 3);
        var expected = new Matrix(n, n);
        int before = RowParallel.Threads;
        try
        {
            RowParallel.Threads = 1;
            UpperFactor.OfInverse(H.View, expected.View);
            foreach (int threads in new[] { 2, 3 })
            {
                RowParallel.Threads = threads;
                var U = new Matrix(n, n);
                UpperFactor.OfInverse(H.View, U.View);
                Assert.Equal(expected.Data, U.Data);
            }

            foreach (DenseKernel.Choice kernel in DenseKernel.All.Where(kernel => kernel.IsAvailable && PortableFusedMultiplyAdd.IsHardware))
            {
                var U = new Matrix(n, n);
                UpperFactor.OfInverse(DenseKernel.TileOf<double>(kernel), H.View, U.View);
                Assert.Equal(expected.Data, U.Data);
            }
        }
        finally
        {
            RowParallel.Threads = before;
        }

        UpperFactor.OfInverse(H.View, H.View);
        Assert.Equal(expected.Data, H.Data);
    }

    [Fact]
    public void Windows_with_gaps_between_rows_are_respected()
    {
        const int n = 70;
        Matrix H = PositiveDefinite(n, seed: 4);
        var expected = new Matrix(n, n);
        UpperFactor.OfInverse(H.View, expected.View);
        var wide = new float[n * (n + 3)];
        Array.Fill(wide, 42f);
        var window = new MatrixView<float>(wide, n, n, n + 3);
        H.View.CopyTo(window);
        UpperFactor.OfInverse(window, window);
        for (int i = 0; i < n; i++)
        {
            Assert.Equal(expected.Row(i), window.Row(i));
            Assert.Equal(new[] { 42f, 42f, 42f }, wide.AsSpan((i * (n + 3)) + n, 3));
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(100)]
    [InlineData(199)]
    public void A_matrix_that_is_not_positive_definite_is_refused_and_its_pivot_named(int bad)
    {
        const int n = 200;
        foreach (float value in new[] { -5f, 0f, float.NaN, float.PositiveInfinity })
        {
            Matrix H = PositiveDefinite(n, seed: 5);
            for (int j = 0; j < n; j++) H[bad, j] = H[j, bad] = 0f;      // so that the pivot is the value itself
            H[bad, bad] = value;
            var U = new Matrix(n, n);
            string message = Assert.Throws<NumericsException>(() => UpperFactor.OfInverse(H.View, U.View)).Message;
            Assert.Equal(FormattableString.Invariant($"H is not positive definite (pivot {bad} = {value:g3} after damping)"), message);
            Assert.All(U.Data, element => Assert.Equal(0f, element));
        }
    }

    [Fact]
    public void A_value_that_is_not_a_number_is_found_off_the_diagonal_too()
    {
        Matrix H = PositiveDefinite(150, seed: 6);
        H[20, 90] = float.NaN;
        string message = Assert.Throws<NumericsException>(() => UpperFactor.OfInverse(H.View, new Matrix(150, 150).View)).Message;
        Assert.Contains("NaN", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused_and_an_empty_matrix_is_not()
    {
        Assert.Throws<ArgumentException>(() => UpperFactor.OfInverse(new Matrix(2, 3).View, new Matrix(2, 2).View));
        Assert.Throws<ArgumentException>(() => UpperFactor.OfInverse(new Matrix(2, 2).View, new Matrix(3, 3).View));
        UpperFactor.OfInverse(new Matrix(0, 0).View, new Matrix(0, 0).View);
    }

    /// <summary>XᵀX + 0.01·mean·I of correlated inputs, as calibration gives; values below the diagonal are wrong on purpose.</summary>
    private static Matrix PositiveDefinite(int n, int seed)
    {
        var random = new Random(seed);
        var X = new Matrix(n + 20, n);
        for (int t = 0; t < X.Rows; t++)
        {
            float common = random.NextSingle() - 0.5f;
            for (int j = 0; j < n; j++) X[t, j] = common + (2 * random.NextSingle()) - 1;
        }

        var H = new Matrix(n, n);
        DenseProduct.AddGramUpper(X.View, H.View);
        double mean = 0;
        for (int i = 0; i < n; i++) mean += H[i, i] / (double)n;
        for (int i = 0; i < n; i++)
        {
            H[i, i] += (float)(0.01 * mean);
            for (int j = 0; j < i; j++) H[i, j] = float.NaN;
        }

        return H;
    }

    private static double[,] Widen(Matrix matrix, bool symmetric)
    {
        int n = matrix.Rows;
        var result = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++) result[i, j] = symmetric && j < i ? matrix[j, i] : matrix[i, j];
        }

        return result;
    }

    private static double[,] Map(double[,] x, Func<int, int, double> element)
    {
        int n = x.GetLength(0);
        var result = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++) result[i, j] = element(i, j);
        }

        return result;
    }

    private static double[,] Absolute(double[,] x) => Map(x, (i, j) => Math.Abs(x[i, j]));

    private static double[,] Transpose(double[,] x) => Map(x, (i, j) => x[j, i]);

    private static double[,] Product(double[,] x, double[,] y) => Map(x, (i, j) =>
    {
        double sum = 0;
        for (int k = 0; k < x.GetLength(0); k++) sum += x[i, k] * y[k, j];
        return sum;
    });

    private static void AssertNearIdentity(double[,] actual, double[,] magnitude, double unit, string what)
    {
        int n = actual.GetLength(0);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double error = Math.Abs(actual[i, j] - (i == j ? 1 : 0));
                Assert.True(error <= unit * magnitude[i, j], $"{what} [{i}, {j}] = {actual[i, j]}, bound {unit * magnitude[i, j]}");
            }
        }
    }
}
