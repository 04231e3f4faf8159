using Halfbit.Numerics;

namespace Halfbit.Tests.Numerics;

public sealed class GenericProductTests
{
    [Fact]
    public void Both_precisions_give_the_products_up_to_the_roundings_of_k_terms()
    {
        var random = new Random(4);
        foreach ((int m, int n, int k) in new[] { (1, 1, 1), (3, 5, 0), (0, 2, 3), (7, 6, 5), (20, 40, 33) })
        {
            Matrix<double> A = Draw(m, k, random), B = Draw(k, n, random), C = Draw(m, n, random);
            foreach (bool accumulate in new[] { false, true })
            {
                Matrix<double> expected = Matrix<double>.CopyOf(C.View);
                for (int i = 0; i < m; i++)
                {
                    for (int j = 0; j < n; j++)
                    {
                        double sum = accumulate ? C[i, j] : 0;
                        for (int p = 0; p < k; p++) sum += A[i, p] * B[p, j];
                        expected[i, j] = sum;
                    }
                }

                Compare(expected, (a, b, c) => GenericProduct.Multiply(a.View, b.View, c.View, accumulate), A, B, C);
                Compare(expected, (a, b, c) => GenericProduct.MultiplyTransposed(a.View, b.View, c.View, accumulate), A, Transposed(B), C);
                Compare(expected, (a, b, c) => GenericProduct.MultiplyFirstTransposed(a.View, b.View, c.View, accumulate), Transposed(A), B, C);
                Compare(expected, (a, b, c) => GenericProduct.Multiply(a.View, b.View, c.View, accumulate), Single(A), Single(B), Single(C));
                Compare(expected, (a, b, c) => GenericProduct.MultiplyTransposed(a.View, b.View, c.View, accumulate), Single(A), Single(Transposed(B)), Single(C));
                Compare(expected, (a, b, c) => GenericProduct.MultiplyFirstTransposed(a.View, b.View, c.View, accumulate), Single(Transposed(A)), Single(B), Single(C));
            }
        }
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused_in_both_precisions()
    {
        Assert.Throws<ArgumentException>(() => GenericProduct.Multiply(new Matrix<double>(2, 3).View, new Matrix<double>(2, 3).View, new Matrix<double>(2, 3).View));
        Assert.Throws<ArgumentException>(() => GenericProduct.MultiplyTransposed(new Matrix<double>(2, 3).View, new Matrix<double>(2, 4).View, new Matrix<double>(2, 2).View));
        Assert.Throws<ArgumentException>(() => GenericProduct.MultiplyFirstTransposed(new Matrix<double>(2, 3).View, new Matrix<double>(3, 3).View, new Matrix<double>(3, 3).View));
        Assert.Throws<ArgumentException>(() => GenericProduct.MultiplyFirstTransposed(new Matrix<float>(2, 3).View, new Matrix<float>(3, 3).View, new Matrix<float>(3, 3).View));
    }

    private delegate void Product<T>(Matrix<T> A, Matrix<T> B, Matrix<T> C)
        where T : unmanaged;

    private static void Compare<T>(Matrix<double> expected, Product<T> product, Matrix<T> A, Matrix<T> B, Matrix<T> C)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        // all elements are in (−1, 1): (k + 1) roundings of sums below k + 1, and one of each factor where they are narrowed
        int k = A.Columns == B.Columns ? Math.Max(A.Columns, A.Rows) : Math.Max(A.Columns, B.Rows);
        double bound = (k + 3.0) * (k + 3) * (typeof(T) == typeof(float) ? Math.Pow(2, -23) : Math.Pow(2, -52));
        Matrix<T> actual = Matrix<T>.CopyOf(C.View);
        product(A, B, actual);
        for (int index = 0; index < expected.Data.Length; index++)
            Assert.InRange(double.CreateChecked(actual.Data[index]), expected.Data[index] - bound, expected.Data[index] + bound);
    }

    private static Matrix<double> Draw(int rows, int columns, Random random)
    {
        var matrix = new Matrix<double>(rows, columns);
        foreach (ref double element in matrix.Data.AsSpan()) element = (random.NextDouble() * 2) - 1;
        return matrix;
    }

    private static Matrix<float> Single(Matrix<double> matrix) => new(matrix.Rows, matrix.Columns, [.. matrix.Data.Select(x => (float)x)]);

    private static Matrix<double> Transposed(Matrix<double> matrix)
    {
        var transposed = new Matrix<double>(matrix.Columns, matrix.Rows);
        for (int i = 0; i < matrix.Rows; i++)
        {
            for (int j = 0; j < matrix.Columns; j++) transposed[j, i] = matrix[i, j];
        }

        return transposed;
    }
}
