using System.Numerics;
using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>Matrix products of either precision: single precision by the fast kernels on all threads, any other by plain loops, which is what exact checks need.</summary>
internal static class GenericProduct
{
    private const int Block = 32;

    [ThreadStatic]
    private static float[]? transposed;

    /// <summary>C ← A·B, or C ← C + A·B.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n].</param>
    /// <param name="accumulate">Whether C is added to.</param>
    public static void Multiply<T>(MatrixView<T> A, MatrixView<T> B, MatrixView<T> C, bool accumulate = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            DenseProduct.Multiply(Single(A), Single(B), Single(C), accumulate);
            return;
        }

        for (int i = 0; i < C.Rows; i++)
        {
            Span<T> c = C.Row(i);
            if (!accumulate) c.Clear();
            for (int k = 0; k < A.Columns; k++)
            {
                T a = A[i, k];
                Span<T> b = B.Row(k);
                for (int j = 0; j < c.Length; j++) c[j] += a * b[j];
            }
        }
    }

    /// <summary>C ← A·Bᵀ, or C ← C + A·Bᵀ.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[n, k].</param>
    /// <param name="C">[m, n].</param>
    /// <param name="accumulate">Whether C is added to.</param>
    public static void MultiplyTransposed<T>(MatrixView<T> A, MatrixView<T> B, MatrixView<T> C, bool accumulate = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            DenseProduct.MultiplyTransposed(Single(A), Single(B), Single(C), accumulate);
            return;
        }

        for (int i = 0; i < C.Rows; i++)
        {
            for (int j = 0; j < C.Columns; j++)
            {
                T sum = accumulate ? C[i, j] : T.Zero;
                Span<T> a = A.Row(i), b = B.Row(j);
                for (int k = 0; k < a.Length; k++) sum += a[k] * b[k];
                C[i, j] = sum;
            }
        }
    }

    /// <summary>C ← Aᵀ·B, or C ← C + Aᵀ·B.</summary>
    /// <param name="A">[k, m].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n].</param>
    /// <param name="accumulate">Whether C is added to.</param>
    /// <remarks>In single precision A is turned first, into memory that the thread keeps: reading it across would cost more.</remarks>
    public static void MultiplyFirstTransposed<T>(MatrixView<T> A, MatrixView<T> B, MatrixView<T> C, bool accumulate = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            int count = A.Rows * A.Columns;
            if (transposed is null || transposed.Length < count) transposed = new float[count];
            var turned = new MatrixView<float>(transposed.AsSpan(0, count), A.Columns, A.Rows);
            Transpose(Single(A), turned);
            DenseProduct.Multiply(turned, Single(B), Single(C), accumulate);
            return;
        }

        if (!accumulate)
        {
            for (int i = 0; i < C.Rows; i++) C.Row(i).Clear();
        }

        for (int k = 0; k < A.Rows; k++)
        {
            Span<T> b = B.Row(k);
            for (int i = 0; i < C.Rows; i++)
            {
                T a = A[k, i];
                Span<T> c = C.Row(i);
                for (int j = 0; j < c.Length; j++) c[j] += a * b[j];
            }
        }
    }

    private static void Transpose(MatrixView<float> A, MatrixView<float> turned)
    {
        for (int i = 0; i < A.Rows; i += Block)
        {
            int rows = Math.Min(Block, A.Rows - i);
            for (int j = 0; j < A.Columns; j += Block)
            {
                int columns = Math.Min(Block, A.Columns - j);
                for (int c = 0; c < columns; c++)
                {
                    Span<float> target = turned.Row(j + c).Slice(i, rows);
                    for (int r = 0; r < target.Length; r++) target[r] = A[i + r, j + c];
                }
            }
        }
    }

    private static MatrixView<float> Single<T>(MatrixView<T> view)
        where T : unmanaged => new(MemoryMarshal.Cast<T, float>(view.Data), view.Rows, view.Columns, view.Stride);
}
