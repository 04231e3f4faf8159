using Halfbit.Numerics;

namespace Halfbit.Tests.Numerics;

[Collection("thread count")]
public sealed class OpenBlasTests
{
    [OpenBlasFact]
    public void Its_products_are_as_near_to_the_exact_ones_as_k_roundings_allow()
    {
        var blas = new OpenBlasBackend();
        Assert.Contains("OpenBLAS", blas.Name, StringComparison.Ordinal);
        var random = new Random(2);
        foreach ((int m, int n, int k) in new[] { (1, 1, 1), (3, 5, 0), (17, 33, 65), (40, 1, 100), (1, 90, 200) })
        {
            Matrix A = Draw(m, k, random), B = Draw(n, k, random), C = Draw(m, n, random), transposedB = Transposed(B);
            Matrix product = Matrix.CopyOf(C.View), sum = Matrix.CopyOf(C.View), plain = Matrix.CopyOf(C.View), difference = Matrix.CopyOf(C.View), first = Matrix.CopyOf(C.View);
            blas.MultiplyTransposed(A.View, B.View, product.View, accumulate: false);
            blas.MultiplyTransposed(A.View, B.View, sum.View, accumulate: true);
            blas.Multiply(A.View, transposedB.View, plain.View, accumulate: false);
            blas.SubtractProduct(A.View, transposedB.View, difference.View);
            blas.MultiplyFirstTransposed(Transposed(A).View, transposedB.View, first.View, accumulate: true);
            for (int i = 0; i < m; i++)
            {
                for (int j = 0; j < n; j++)
                {
                    (double exact, double bound) = Exact(A.Row(i), B.Row(j), C[i, j]);
                    Assert.InRange(product[i, j], exact - bound, exact + bound);
                    Assert.InRange(plain[i, j], exact - bound, exact + bound);
                    Assert.InRange(sum[i, j], C[i, j] + exact - bound, C[i, j] + exact + bound);
                    Assert.InRange(first[i, j], C[i, j] + exact - bound, C[i, j] + exact + bound);
                    Assert.InRange(difference[i, j], C[i, j] - exact - bound, C[i, j] - exact + bound);
                }
            }
        }
    }

    [OpenBlasFact]
    public void Its_gram_sum_is_near_and_leaves_the_lower_triangle_alone()
    {
        var random = new Random(3);
        Matrix X = Draw(50, 37, random), H = Draw(37, 37, random), transposed = Transposed(X);
        Matrix actual = Matrix.CopyOf(H.View);
        new OpenBlasBackend().AddGramUpper(X.View, actual.View);
        for (int i = 0; i < 37; i++)
        {
            for (int j = 0; j < 37; j++)
            {
                (double exact, double bound) = Exact(transposed.Row(i), transposed.Row(j), H[i, j]);
                if (j < i)
                    Assert.Equal(H[i, j], actual[i, j]);
                else
                    Assert.InRange(actual[i, j], H[i, j] + exact - bound, H[i, j] + exact + bound);
            }
        }
    }

    [Fact]
    public void Asking_for_it_gives_it_or_says_how_to_get_it()
    {
        if (OpenBlasLibrary.IsAvailable)
        {
            Assert.IsType<OpenBlasBackend>(DenseBackend.Choose("openblas"));
            return;
        }

        string message = Assert.Throws<DllNotFoundException>(() => DenseBackend.Choose("openblas")).Message;
        Assert.Contains("apt-get install libopenblas0-pthread", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void The_measurement_counts_operations_of_both_rivals()
    {
        int before = RowParallel.Threads;
        GemmRow row = GemmMeasurement.Measure(20, 30, 40, threads: 1, repetitions: 1);
        Assert.Equal((20, 30, 40, 1), (row.M, row.N, row.K, row.Threads));
        Assert.InRange(row.Gflops, 1e-6, 1e6);
        Assert.Equal(OpenBlasLibrary.IsAvailable, row.OpenBlasGflops.HasValue);
        Assert.Equal(OpenBlasLibrary.IsAvailable, row.Ratio.HasValue);
        Assert.Equal(before, RowParallel.Threads);
    }

    /// <summary>Σ a·b, and the error of k + 1 roundings in any order: (k + 1)·2⁻²³·(|c| + Σ|a·b|).</summary>
    private static (double Exact, double Bound) Exact(ReadOnlySpan<float> a, ReadOnlySpan<float> b, float c)
    {
        double exact = 0, magnitude = Math.Abs(c);
        for (int p = 0; p < a.Length; p++)
        {
            exact += (double)a[p] * b[p];
            magnitude += Math.Abs((double)a[p] * b[p]);
        }

        return (exact, (a.Length + 1) * Math.Pow(2, -23) * magnitude);
    }

    private static Matrix Draw(int rows, int columns, Random random)
    {
        var matrix = new Matrix(rows, columns);
        foreach (ref float element in matrix.Data.AsSpan()) element = (2 * random.NextSingle()) - 1;
        return matrix;
    }

    private static Matrix Transposed(Matrix matrix)
    {
        var result = new Matrix(matrix.Columns, matrix.Rows);
        for (int i = 0; i < matrix.Rows; i++)
        {
            for (int j = 0; j < matrix.Columns; j++) result[j, i] = matrix[i, j];
        }

        return result;
    }

    /// <summary>A test that needs OpenBLAS; skipped, with the reason, where it is not installed.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class OpenBlasFactAttribute : FactAttribute
    {
        public OpenBlasFactAttribute()
        {
            if (!OpenBlasLibrary.IsAvailable) Skip = OpenBlasLibrary.Remedy;
        }
    }
}
