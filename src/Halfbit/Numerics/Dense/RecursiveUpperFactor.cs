using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>
/// U with H⁻¹ = Uᵀ·U by halves. For H = [H₁₁ H₁₂; · H₂₂] and U = [U₁₁ U₁₂; 0 U₂₂], with R₁₂ = H₁₂·U₂₂ᵀ:
/// U₂₂ from H₂₂; U₁₁ from H₁₁ − R₁₂·R₁₂ᵀ; U₁₂ = −U₁₁·R₁₂·U₂₂. All but the smallest blocks are dense products.
/// </summary>
/// <remarks>
/// One workspace of about n² doubles holds everything: H and U above the diagonal, R₁₂ᵀ in the place below it that belongs to the same halves.
/// The cuts depend on n alone, and each element is one chain of fused multiply-adds per product; hence the same bits for any number of threads.
/// </remarks>
internal sealed unsafe class RecursiveUpperFactor
{
    private const int Granule = 64;

    private readonly TileKernel<double> kernel;
    private readonly double* w;
    private readonly int n;
    private readonly int stride;

    private RecursiveUpperFactor(TileKernel<double> kernel, double* workspace, int n, int stride)
    {
        this.kernel = kernel;
        w = workspace;
        this.n = n;
        this.stride = stride;
    }

    /// <inheritdoc cref="UpperFactor.OfInverse(MatrixView{float}, MatrixView{float})"/>
    public static void Compute(TileKernel<double> kernel, MatrixView<float> H, MatrixView<float> U)
    {
        int n = H.Rows;
        int stride = (((n + 7) / 8) | 1) * 8;           // an odd number of cache lines: rows do not compete for one cache set
        double[] workspace = GC.AllocateUninitializedArray<double>(checked(n * stride));
        fixed (double* w = workspace)
        {
            fixed (float* h = &MemoryMarshal.GetReference(H.Data), u = &MemoryMarshal.GetReference(U.Data))
            {
                var factor = new RecursiveUpperFactor(kernel, w, n, stride);
                nint source = (nint)h;
                nint sourceStride = H.Stride;
                nint target = (nint)u;
                nint targetStride = U.Stride;
                RowParallel.For(n, 16, (start, end) =>
                {
                    for (int i = start; i < end; i++) factor.Widen((float*)source + (i * sourceStride), i);
                });
                factor.Invert(0, n);
                RowParallel.For(n, 16, (start, end) =>
                {
                    for (int i = start; i < end; i++) factor.Narrow(i, (float*)target + (i * targetStride));
                });
            }
        }
    }

    private void Widen(float* row, int i)
    {
        double* target = w + ((nint)i * stride);
        for (int j = i; j < n; j++) target[j] = row[j];
    }

    private void Narrow(int i, float* row)
    {
        double* source = w + ((nint)i * stride);
        new Span<float>(row, i).Clear();
        for (int j = i; j < n; j++) row[j] = (float)source[j];
    }

    /// <summary>Replaces the block of <paramref name="size"/> rows and columns from <paramref name="first"/>: H above the diagonal becomes U, zero below.</summary>
    private void Invert(int first, int size)
    {
        if (size <= Granule)
        {
            SmallUpperFactor.Invert(w + ((nint)first * stride) + first, stride, size, first);
            return;
        }

        int n2 = ((size / 2) + Granule - 1) / Granule * Granule;
        int n1 = size - n2;
        double* w11 = w + ((nint)first * stride) + first;
        double* w12 = w11 + n1;
        double* w21 = w11 + ((nint)n1 * stride);
        double* w22 = w21 + n1;

        Invert(first + n1, n2);

        // w21 ← R₁₂ᵀ = U₂₂·H₁₂ᵀ
        Product(Rows(w22, n2), Rows(w12, n1), n2, w21, ProductShape.UpperA);

        // w11 ← H₁₁ − R₁₂·R₁₂ᵀ, upper triangle
        Product(Columns(w21, n1, isNegated: true), Columns(w21, n1), n2, w11, ProductShape.UpperC, accumulate: true);

        Invert(first, n1);

        // w12 ← U₁₁·R₁₂; then w21 ← (−w12·U₂₂)ᵀ = −U₂₂ᵀ·w12ᵀ, which returns to w12
        Product(Rows(w11, n1), Rows(w21, n2), n1, w12, ProductShape.UpperA);
        Product(Columns(w22, n2, isNegated: true), Rows(w12, n1), n2, w21, ProductShape.LowerA);
        MoveTransposed(w21, n2, n1, w12);
    }

    private void Product(Operand<double> a, Operand<double> b, int depth, double* c, ProductShape shape, bool accumulate = false)
        => BlockedProduct<double>.Run(kernel, a, b, depth, c, stride, accumulate, shape);

    /// <summary>A factor whose rows are rows of the workspace.</summary>
    private Operand<double> Rows(double* block, int count) => new(block, count, stride, isDepthContiguous: true);

    /// <summary>A factor whose rows are columns of the workspace: a transposed block.</summary>
    private Operand<double> Columns(double* block, int count, bool isNegated = false) => new(block, count, stride, isDepthContiguous: false, isNegated);

    /// <summary>target ← sourceᵀ, source ← 0.</summary>
    private void MoveTransposed(double* source, int rows, int columns, double* target)
    {
        const int block = 32;
        nint from = (nint)source;
        nint to = (nint)target;
        RowParallel.For(rows, rows <= Granule ? rows : block, (start, end) =>
        {
            for (int left = 0; left < columns; left += block)
            {
                int right = Math.Min(left + block, columns);
                for (int j = left; j < right; j++)
                {
                    double* line = (double*)to + ((nint)j * stride);
                    for (int i = start; i < end; i++) line[i] = ((double*)from)[((nint)i * stride) + j];
                }
            }

            for (int i = start; i < end; i++) new Span<double>((double*)from + ((nint)i * stride), columns).Clear();
        });
    }
}
