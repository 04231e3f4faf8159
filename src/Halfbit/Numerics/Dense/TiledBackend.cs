using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>The library's own dense products on vectors of one width.</summary>
/// <param name="name">The kernel's name.</param>
/// <param name="kernel">The tile.</param>
internal sealed unsafe class TiledBackend(string name, TileKernel<float> kernel) : IDenseBackend
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public void MultiplyTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
    {
        fixed (float* a = &MemoryMarshal.GetReference(A.Data), b = &MemoryMarshal.GetReference(B.Data))
        {
            var left = new Operand<float>(a, A.Rows, A.Stride, isDepthContiguous: true);
            var right = new Operand<float>(b, B.Rows, B.Stride, isDepthContiguous: true);
            Run(left, right, A.Columns, C, accumulate);
        }
    }

    /// <inheritdoc/>
    public void Multiply(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
        => Multiply(A, B, C, accumulate, isNegated: false);

    /// <inheritdoc/>
    public void MultiplyFirstTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
    {
        fixed (float* a = &MemoryMarshal.GetReference(A.Data), b = &MemoryMarshal.GetReference(B.Data))
        {
            var left = new Operand<float>(a, A.Columns, A.Stride, isDepthContiguous: false);
            var right = new Operand<float>(b, B.Columns, B.Stride, isDepthContiguous: false);
            Run(left, right, A.Rows, C, accumulate);
        }
    }

    /// <inheritdoc/>
    public void SubtractProduct(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C)
        => Multiply(A, B, C, accumulate: true, isNegated: true);

    /// <inheritdoc/>
    public void AddGramUpper(MatrixView<float> X, MatrixView<float> H) => TiledGram.AddUpper(kernel, X, H);

    private void Multiply(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate, bool isNegated)
    {
        fixed (float* a = &MemoryMarshal.GetReference(A.Data), b = &MemoryMarshal.GetReference(B.Data))
        {
            var left = new Operand<float>(a, A.Rows, A.Stride, isDepthContiguous: true, isNegated);
            var right = new Operand<float>(b, B.Columns, B.Stride, isDepthContiguous: false);
            Run(left, right, A.Columns, C, accumulate);
        }
    }

    private void Run(in Operand<float> a, in Operand<float> b, int depth, MatrixView<float> C, bool accumulate)
    {
        if (depth == 0)
        {
            for (int i = 0; i < C.Rows && !accumulate; i++) C.Row(i).Clear();
            return;
        }

        fixed (float* c = &MemoryMarshal.GetReference(C.Data))
        {
            if (StreamedProduct.Fits(kernel, a, b))
                StreamedProduct.Run(kernel, a, b, depth, c, C.Stride, accumulate);
            else if (DirectProduct.Fits(kernel, a, b, accumulate))
                DirectProduct.Run(kernel, a, b, depth, c, C.Stride);
            else if (a.Outer <= NarrowProduct<float>.MaxRows)
                NarrowProduct<float>.Run(kernel, a, b, depth, c, C.Stride, accumulate);
            else if (b.Outer < kernel.Columns / 2)
                TransposedProduct.Run(kernel, a, b, depth, c, C.Stride, accumulate);
            else
                BlockedProduct<float>.Run(kernel, a, b, depth, c, C.Stride, accumulate);
        }
    }
}
