using System.Runtime.Intrinsics;

namespace Halfbit.Numerics;

/// <summary>C ← (C +) A·Bᵀ for few rows of A (decoding): rows of B pass through registers once, without being packed.</summary>
/// <remarks>
/// A square of B is transposed in registers; lane v then belongs to row v of the square, and each lane is one chain in ascending inner index.
/// Every load takes a whole cache line (or half of one): with power-of-two strides the rows of a square compete for the same cache set.
/// </remarks>
internal sealed unsafe class StreamedProduct
{
    /// <summary>Rows of A up to which this form is used.</summary>
    public const int MaxRows = 16;

    private const int MaxLanes = 16;

    [ThreadStatic]
    private static StreamedProduct? idle;

    private readonly Action<int, int> computeColumns;
    private readonly AlignedBuffer bufferA = new();
    private int lanes;
    private Operand<float> a;
    private Operand<float> b;
    private nint depth;
    private nint wholeDepth;
    private float* packedA;
    private float* c;
    private nint stride;
    private bool accumulate;

    private StreamedProduct() => computeColumns = ComputeColumns;

    /// <summary>Whether the shape suits this form and the kernel has the shuffles that it needs.</summary>
    public static bool Fits(TileKernel<float> kernel, in Operand<float> a, in Operand<float> b)
        => kernel is TileKernel512<float> or TileKernel256<float> && a.Outer <= MaxRows && a.IsDepthContiguous && b.IsDepthContiguous && !a.IsNegated;

    /// <summary>As <see cref="BlockedProduct{T}.Run"/>.</summary>
    public static void Run(TileKernel<float> kernel, in Operand<float> a, in Operand<float> b, nint depth, float* c, nint stride, bool accumulate)
    {
        StreamedProduct product = idle ?? new StreamedProduct();
        idle = null;
        product.lanes = kernel is TileKernel512<float> ? Vector512<float>.Count : Vector256<float>.Count;
        product.a = a;
        product.b = b;
        product.depth = depth;
        product.c = c;
        product.stride = stride;
        product.accumulate = accumulate;
        product.Compute();
        idle = product;
    }

    private void Compute()
    {
        // packed A: [depth / lanes, rows, lanes], the order in which the squares use it
        wholeDepth = depth / lanes * lanes;
        packedA = bufferA.Reserve<float>(wholeDepth * a.Outer);
        float* target = packedA;
        for (nint p = 0; p < wholeDepth; p += lanes)
        {
            for (int i = 0; i < a.Outer; i++, target += lanes) new ReadOnlySpan<float>(a.At(i, p), lanes).CopyTo(new Span<float>(target, lanes));
        }

        int threads = RowParallel.IsInside ? 1 : RowParallel.Threads;
        int groups = (b.Outer + lanes - 1) / lanes;
        bool isSmall = (long)b.Outer * depth < 32768;                   // below that, waking a thread costs more than it saves
        RowParallel.For(b.Outer, isSmall ? b.Outer : lanes * Math.Clamp(groups / (8 * threads), 1, 16), computeColumns);
    }

    private void ComputeColumns(int start, int end)
    {
        for (int j = start; j < end; j += lanes) ComputeGroup(j, Math.Min(lanes, end - j));
    }

    /// <summary>Columns [j, j + width) of C; a missing row of B is read from the last present one.</summary>
    private void ComputeGroup(int j, int width)
    {
        float** rows = stackalloc float*[MaxLanes];
        for (int r = 0; r < lanes; r++) rows[r] = b.At(j + Math.Min(r, width - 1), 0);
        float* sums = stackalloc float[MaxRows * MaxLanes];
        for (int i = 0; i < a.Outer && accumulate; i++) new ReadOnlySpan<float>(c + (i * stride) + j, width).CopyTo(new Span<float>(sums + (i * lanes), width));

        if (lanes == Vector512<float>.Count)
            TransposedSquares.Accumulate512(rows, wholeDepth, packedA, a.Outer, sums);
        else
            TransposedSquares.Accumulate256(rows, wholeDepth, packedA, a.Outer, sums);

        for (int i = 0; i < a.Outer; i++)
        {
            float* left = a.At(i, 0);
            for (int r = 0; r < width; r++)
            {
                float sum = sums[(i * lanes) + r];
                for (nint p = wholeDepth; p < depth; p++) sum = MathF.FusedMultiplyAdd(left[p], rows[r][p], sum);
                c[(i * stride) + j + r] = sum;
            }
        }
    }
}
