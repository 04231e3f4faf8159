namespace Halfbit.Numerics;

/// <summary>Dense single-precision matrix products. Each element of a result is one chain of fused multiply-adds in ascending order of the inner index.</summary>
public static class DenseProduct
{
    /// <summary>C ← A·Bᵀ, or C ← C + A·Bᵀ.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[n, k].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    /// <param name="accumulate">Whether to add to C instead of replacing it.</param>
    public static void MultiplyTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate = false)
    {
        for (int i = 0; i < A.Rows; i++)
        {
            for (int j = 0; j < B.Rows; j++)
            {
                float sum = accumulate ? C[i, j] : 0f;
                for (int k = 0; k < A.Columns; k++) sum = MathF.FusedMultiplyAdd(A[i, k], B[j, k], sum);
                C[i, j] = sum;
            }
        }
    }

    /// <summary>C ← A·B, or C ← C + A·B.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    /// <param name="accumulate">Whether to add to C instead of replacing it.</param>
    public static void Multiply(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate = false)
    {
        for (int i = 0; i < A.Rows; i++)
        {
            if (!accumulate) C.Row(i).Clear();
            for (int k = 0; k < A.Columns; k++)
            {
                for (int j = 0; j < B.Columns; j++) C[i, j] = MathF.FusedMultiplyAdd(A[i, k], B[k, j], C[i, j]);
            }
        }
    }

    /// <summary>C ← C − A·B.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    public static void SubtractProduct(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C)
    {
        for (int i = 0; i < A.Rows; i++)
        {
            for (int k = 0; k < A.Columns; k++)
            {
                for (int j = 0; j < B.Columns; j++) C[i, j] = MathF.FusedMultiplyAdd(-A[i, k], B[k, j], C[i, j]);
            }
        }
    }

    /// <summary>Upper triangle of H ← H + XᵀX; elements below the diagonal are left as they are.</summary>
    /// <param name="X">[t, n].</param>
    /// <param name="H">[n, n].</param>
    /// <remarks>The product of this call is summed first and then added to H, so that long sums keep their precision.</remarks>
    public static void AddGramUpper(MatrixView<float> X, MatrixView<float> H)
    {
        for (int i = 0; i < X.Columns; i++)
        {
            for (int j = i; j < X.Columns; j++)
            {
                float sum = 0f;
                for (int t = 0; t < X.Rows; t++) sum = MathF.FusedMultiplyAdd(X[t, i], X[t, j], sum);
                H[i, j] += sum;
            }
        }
    }
}
