using System.Runtime.InteropServices;

namespace Halfbit.Numerics;

/// <summary>Upper triangle of H ← H + XᵀX by blocks of H: a block's product is summed in scratch memory and then added.</summary>
internal sealed unsafe class TiledGram
{
    private const int Block = 1024;

    [ThreadStatic]
    private static TiledGram? idle;

    private readonly Action<int, int> addRows;
    private readonly AlignedBuffer buffer = new();
    private float* product;
    private float* h;
    private nint stride;
    private int columns;
    private bool isOnDiagonal;

    private TiledGram() => addRows = AddRows;

    /// <inheritdoc cref="DenseProduct.AddGramUpper"/>
    public static void AddUpper(TileKernel<float> kernel, MatrixView<float> X, MatrixView<float> H)
    {
        TiledGram gram = idle ?? new TiledGram();
        idle = null;
        fixed (float* x = &MemoryMarshal.GetReference(X.Data), first = &MemoryMarshal.GetReference(H.Data))
        {
            int n = X.Columns;
            gram.stride = H.Stride;
            gram.product = gram.buffer.Reserve<float>((nint)Math.Min(Block, n) * Math.Min(Block, n));
            for (int i = 0; i < n; i += Block)
            {
                for (int j = i; j < n; j += Block)
                {
                    int rows = Math.Min(Block, n - i);
                    gram.columns = Math.Min(Block, n - j);
                    gram.isOnDiagonal = i == j;
                    gram.h = first + (i * gram.stride) + j;
                    var left = new Operand<float>(x + i, rows, X.Stride, isDepthContiguous: false);
                    var right = new Operand<float>(x + j, gram.columns, X.Stride, isDepthContiguous: false);
                    ProductShape shape = gram.isOnDiagonal ? ProductShape.UpperC : ProductShape.Full;
                    BlockedProduct<float>.Run(kernel, left, right, X.Rows, gram.product, gram.columns, accumulate: false, shape);
                    RowParallel.For(rows, 64, gram.addRows);
                }
            }
        }

        idle = gram;
    }

    private void AddRows(int start, int end)
    {
        for (int i = start; i < end; i++)
        {
            int from = isOnDiagonal ? i : 0;
            var sums = new Span<float>(h + (i * stride) + from, columns - from);
            var terms = new ReadOnlySpan<float>(product + ((nint)i * columns) + from, columns - from);
            System.Numerics.Tensors.TensorPrimitives.Add(sums, terms, sums);
        }
    }
}
