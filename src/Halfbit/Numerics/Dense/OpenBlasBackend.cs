using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>Dense products by OpenBLAS. Its sums have its own order: results are bound to one machine, one version and one number of threads.</summary>
internal sealed unsafe class OpenBlasBackend : IDenseBackend
{
    /// <summary>Loads the library.</summary>
    /// <exception cref="DllNotFoundException">It is not installed; the message says how to get it.</exception>
    public OpenBlasBackend()
    {
        if (!OpenBlasLibrary.IsAvailable) throw new DllNotFoundException(OpenBlasLibrary.Remedy);
    }

    /// <inheritdoc/>
    public string Name => OpenBlasLibrary.Describe();

    private static int Threads => RowParallel.IsInside ? 1 : RowParallel.Threads;

    /// <inheritdoc/>
    public void MultiplyTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
        => Run(A, B, C, A.Rows, A.Columns, B.Rows, transposeA: false, transposeB: true, 1f, accumulate);

    /// <inheritdoc/>
    public void Multiply(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
        => Run(A, B, C, A.Rows, A.Columns, B.Columns, transposeA: false, transposeB: false, 1f, accumulate);

    /// <inheritdoc/>
    public void MultiplyFirstTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
        => Run(A, B, C, A.Columns, A.Rows, B.Columns, transposeA: true, transposeB: false, 1f, accumulate);

    /// <inheritdoc/>
    public void SubtractProduct(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C)
        => Run(A, B, C, A.Rows, A.Columns, B.Columns, transposeA: false, transposeB: false, -1f, accumulate: true);

    /// <inheritdoc/>
    public void AddGramUpper(MatrixView<float> X, MatrixView<float> H)
    {
        fixed (float* x = &MemoryMarshal.GetReference(X.Data), h = &MemoryMarshal.GetReference(H.Data))
            OpenBlasLibrary.AddGramUpper(X.Columns, X.Rows, x, X.Stride, h, H.Stride, Threads);
    }

    private static void Run(
        MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, int m, int k, int n, bool transposeA, bool transposeB, float alpha, bool accumulate)
    {
        if (k == 0)
        {
            for (int i = 0; i < C.Rows && !accumulate; i++) C.Row(i).Clear();
            return;
        }

        fixed (float* a = &MemoryMarshal.GetReference(A.Data), b = &MemoryMarshal.GetReference(B.Data), c = &MemoryMarshal.GetReference(C.Data))
            OpenBlasLibrary.Multiply(transposeA, transposeB, m, n, k, alpha, a, A.Stride, b, B.Stride, accumulate ? 1f : 0f, c, C.Stride, Threads);
    }
}
