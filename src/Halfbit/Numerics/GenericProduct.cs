using System.Numerics;
using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>Dense products for code that is written once for single and double precision.</summary>
/// <remarks>
/// Single precision is <see cref="DenseProduct"/>: fast, on all threads. Any other type is computed here, element by element in the same order
/// on the calling thread: it serves checks of small cases.
/// </remarks>
internal static class GenericProduct
{
    /// <summary>C ← A·B, or C ← C + A·B.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    /// <param name="accumulate">Whether to add to C instead of replacing it.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Multiply<T>(MatrixView<T> A, MatrixView<T> B, MatrixView<T> C, bool accumulate = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            DenseProduct.Multiply(InSingle(A), InSingle(B), InSingle(C), accumulate);
            return;
        }

        Check(A.Rows, A.Columns, B.Rows, B.Columns, C);
        for (int i = 0; i < C.Rows; i++)
        {
            if (!accumulate) C.Row(i).Clear();
            for (int k = 0; k < A.Columns; k++) AddRow(A[i, k], B.Row(k), C.Row(i));
        }
    }

    /// <summary>C ← A·Bᵀ, or C ← C + A·Bᵀ.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[n, k].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    /// <param name="accumulate">Whether to add to C instead of replacing it.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void MultiplyTransposed<T>(MatrixView<T> A, MatrixView<T> B, MatrixView<T> C, bool accumulate = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            DenseProduct.MultiplyTransposed(InSingle(A), InSingle(B), InSingle(C), accumulate);
            return;
        }

        Check(A.Rows, A.Columns, B.Columns, B.Rows, C);
        for (int i = 0; i < C.Rows; i++)
        {
            ReadOnlySpan<T> a = A.Row(i);
            for (int j = 0; j < C.Columns; j++)
            {
                ReadOnlySpan<T> b = B.Row(j);
                T sum = accumulate ? C[i, j] : T.Zero;
                for (int k = 0; k < a.Length; k++) sum = T.FusedMultiplyAdd(a[k], b[k], sum);
                C[i, j] = sum;
            }
        }
    }

    /// <summary>C ← Aᵀ·B, or C ← C + Aᵀ·B.</summary>
    /// <param name="A">[k, m].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    /// <param name="accumulate">Whether to add to C instead of replacing it.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void MultiplyFirstTransposed<T>(MatrixView<T> A, MatrixView<T> B, MatrixView<T> C, bool accumulate = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            DenseProduct.MultiplyFirstTransposed(InSingle(A), InSingle(B), InSingle(C), accumulate);
            return;
        }

        Check(A.Columns, A.Rows, B.Rows, B.Columns, C);
        for (int i = 0; i < C.Rows; i++)
        {
            if (!accumulate) C.Row(i).Clear();
            for (int k = 0; k < A.Rows; k++) AddRow(A[k, i], B.Row(k), C.Row(i));
        }
    }

    private static void AddRow<T>(T factor, ReadOnlySpan<T> row, Span<T> sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int j = 0; j < sums.Length; j++) sums[j] = T.FusedMultiplyAdd(factor, row[j], sums[j]);
    }

    private static MatrixView<float> InSingle<T>(MatrixView<T> view)
        where T : unmanaged
        => new(MemoryMarshal.Cast<T, float>(view.Data), view.Rows, view.Columns, view.Stride);

    private static void Check<T>(int m, int k, int innerOfB, int n, MatrixView<T> C)
        where T : unmanaged
    {
        if (k != innerOfB || C.Rows != m || C.Columns != n)
            throw new ArgumentException($"C [{C.Rows}, {C.Columns}] is not the shape of a product of [{m}, {k}] and [{innerOfB}, {n}]");
    }
}
