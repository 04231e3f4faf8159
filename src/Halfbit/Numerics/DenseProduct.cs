namespace Halfbit.Numerics;

/// <summary>Dense single-precision matrix products. Each element of a result is one chain of fused multiply-adds in ascending order of the inner index.</summary>
/// <remarks>
/// Hence results have the same bits for any number of threads, block size, vector width and machine. The exception is HALFBIT_BLAS=openblas
/// (see <see cref="DenseBackend"/>), which keeps that promise per machine at most. Inside a <see cref="RowParallel"/> loop a product runs on the calling thread.
/// </remarks>
public static class DenseProduct
{
    /// <summary>C ← A·Bᵀ, or C ← C + A·Bᵀ.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[n, k].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    /// <param name="accumulate">Whether to add to C (the chains start there) instead of replacing it.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void MultiplyTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate = false)
    {
        if (A.Columns != B.Columns || C.Rows != A.Rows || C.Columns != B.Rows)
            throw new ArgumentException($"C [{C.Rows}, {C.Columns}] is not the shape of A [{A.Rows}, {A.Columns}] · Bᵀ, B [{B.Rows}, {B.Columns}]");
        if (C.Rows > 0 && C.Columns > 0) DenseBackend.Current.MultiplyTransposed(A, B, C, accumulate);
    }

    /// <summary>C ← A·B, or C ← C + A·B.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    /// <param name="accumulate">Whether to add to C (the chains start there) instead of replacing it.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Multiply(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate = false)
    {
        CheckProduct(A, B, C);
        if (C.Rows > 0 && C.Columns > 0) DenseBackend.Current.Multiply(A, B, C, accumulate);
    }

    /// <summary>C ← Aᵀ·B, or C ← C + Aᵀ·B.</summary>
    /// <param name="A">[k, m].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n]; must not overlap A or B.</param>
    /// <param name="accumulate">Whether to add to C (the chains start there) instead of replacing it.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    internal static void MultiplyFirstTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate = false)
    {
        if (A.Rows != B.Rows || C.Rows != A.Columns || C.Columns != B.Columns)
            throw new ArgumentException($"C [{C.Rows}, {C.Columns}] is not the shape of Aᵀ · B, A [{A.Rows}, {A.Columns}], B [{B.Rows}, {B.Columns}]");
        if (C.Rows > 0 && C.Columns > 0) DenseBackend.Current.MultiplyFirstTransposed(A, B, C, accumulate);
    }

    /// <summary>C ← C − A·B.</summary>
    /// <param name="A">[m, k].</param>
    /// <param name="B">[k, n].</param>
    /// <param name="C">[m, n]; must not overlap A or B. The chains start there.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void SubtractProduct(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C)
    {
        CheckProduct(A, B, C);
        if (C.Rows > 0 && C.Columns > 0) DenseBackend.Current.SubtractProduct(A, B, C);
    }

    /// <summary>Upper triangle of H ← H + XᵀX; elements below the diagonal are left as they are.</summary>
    /// <param name="X">[t, n].</param>
    /// <param name="H">[n, n]; must not overlap X.</param>
    /// <remarks>The product of this call is summed first and then added to H, so that long sums keep their precision.</remarks>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void AddGramUpper(MatrixView<float> X, MatrixView<float> H)
    {
        if (H.Rows != X.Columns || H.Columns != X.Columns)
            throw new ArgumentException($"H [{H.Rows}, {H.Columns}] is not the shape of XᵀX, X [{X.Rows}, {X.Columns}]");
        if (X.Rows > 0 && X.Columns > 0) DenseBackend.Current.AddGramUpper(X, H);
    }

    private static void CheckProduct(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C)
    {
        if (A.Columns != B.Rows || C.Rows != A.Rows || C.Columns != B.Columns)
            throw new ArgumentException($"C [{C.Rows}, {C.Columns}] is not the shape of A [{A.Rows}, {A.Columns}] · B [{B.Rows}, {B.Columns}]");
    }
}
