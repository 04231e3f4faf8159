namespace Halfbit.Numerics;

/// <summary>C ← (C +) A·B by panels of the inner dimension: both operands are packed once per panel by all threads, then tiles are computed by all threads.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <remarks>
/// The order of loops is that of Goto and van de Geijn 2008 with the roles of the two packed strips exchanged. Between panels a partial sum rests in
/// C, exactly; hence each element is one chain of fused multiply-adds whatever the blocks, the tiles and the threads are.
/// </remarks>
internal sealed unsafe class BlockedProduct<T>
    where T : unmanaged
{
    private const int RowStripsPerPiece = 8;
    private const int ColumnStripsPerPiece = 16;

    /// <summary>Multiplications below which waking a thread costs more than it saves.</summary>
    private const double SmallProduct = 1 << 18;

    [ThreadStatic]
    private static BlockedProduct<T>? idle;

    private readonly Action<int, int> packStrips;
    private readonly Action<int, int> computePieces;
    private readonly AlignedBuffer bufferA = new();
    private readonly AlignedBuffer bufferB = new();
    private TileKernel<T> kernel = null!;
    private Operand<T> a;
    private Operand<T> b;
    private T* c;
    private nint stride;
    private bool accumulate;
    private ProductShape shape;
    private nint panelDepth;
    private T* packedA;
    private T* packedB;
    private int i0, rows, rowStrips, rowStripsPerPiece;
    private int j0, columns, columnStrips, columnStripsPerPiece;
    private nint p0, depth;

    private BlockedProduct()
    {
        packStrips = PackStrips;
        computePieces = ComputePieces;
    }

    /// <summary>Computes the product on all threads, or on the calling one inside a parallel loop.</summary>
    /// <param name="kernel">The tile.</param>
    /// <param name="a">A, [m, depth].</param>
    /// <param name="b">B, [n, depth] (outer index first).</param>
    /// <param name="depth">Length of the inner dimension, ≥ 1.</param>
    /// <param name="c">C, [m, n].</param>
    /// <param name="stride">Elements from one row of C to the next.</param>
    /// <param name="accumulate">Whether the sums start at C instead of zero.</param>
    /// <param name="shape">What may be left out.</param>
    public static void Run(TileKernel<T> kernel, in Operand<T> a, in Operand<T> b, nint depth, T* c, nint stride, bool accumulate, ProductShape shape = ProductShape.Full)
    {
        BlockedProduct<T> product = idle ?? new BlockedProduct<T>();
        idle = null;
        product.kernel = kernel;
        product.a = a;
        product.b = b;
        product.c = c;
        product.stride = stride;
        product.accumulate = accumulate;
        product.shape = shape;
        product.Compute(depth);
        idle = product;
    }

    private void Compute(nint innerDimension)
    {
        nint panels = (innerDimension + kernel.Depth - 1) / kernel.Depth;
        panelDepth = (((innerDimension + panels - 1) / panels) + 3) / 4 * 4;
        bool isSmall = (double)a.Outer * b.Outer * innerDimension < SmallProduct;
        int threads = isSmall || RowParallel.IsInside ? 1 : RowParallel.Threads;
        int limit = threads == 1 ? 1024 : 4096;
        int maxRows = limit / kernel.Rows * kernel.Rows;
        int maxColumns = limit / kernel.Columns * kernel.Columns;

        for (i0 = 0; i0 < a.Outer; i0 += maxRows)
        {
            rows = Math.Min(maxRows, a.Outer - i0);
            rowStrips = (rows + kernel.Rows - 1) / kernel.Rows;
            packedA = bufferA.Reserve<T>(rowStrips * panelDepth * TileKernel<T>.PackedStride(kernel.Rows));
            for (j0 = 0; j0 < b.Outer; j0 += maxColumns)
            {
                columns = Math.Min(maxColumns, b.Outer - j0);
                if (shape == ProductShape.UpperC && j0 + columns <= i0) continue;
                columnStrips = (columns + kernel.Columns - 1) / kernel.Columns;
                packedB = bufferB.Reserve<T>(columnStrips * panelDepth * kernel.Columns);
                int pieces = CutIntoPieces(threads);
                int strips = rowStrips + columnStrips;
                int stripsAtOnce = isSmall ? strips : Math.Clamp(strips / (4 * threads), 1, 8);
                for (p0 = 0; p0 < innerDimension; p0 += panelDepth)
                {
                    depth = nint.Min(panelDepth, innerDimension - p0);
                    RowParallel.For(strips, stripsAtOnce, packStrips);
                    RowParallel.For(pieces, isSmall ? pieces : 1, computePieces);
                }
            }
        }
    }

    /// <summary>Chooses how many strips a piece has in each direction: enough pieces to keep all threads busy to the end.</summary>
    private int CutIntoPieces(int threads)
    {
        rowStripsPerPiece = RowStripsPerPiece;
        columnStripsPerPiece = ColumnStripsPerPiece;
        while (threads > 1 && PieceCount() < 8 * threads && rowStripsPerPiece + columnStripsPerPiece > 2)
        {
            if (columnStripsPerPiece >= rowStripsPerPiece)
                columnStripsPerPiece /= 2;
            else
                rowStripsPerPiece /= 2;
        }

        return PieceCount();
    }

    private int PieceCount()
        => ((rowStrips + rowStripsPerPiece - 1) / rowStripsPerPiece) * ((columnStrips + columnStripsPerPiece - 1) / columnStripsPerPiece);

    /// <summary>Packs strips [start, end) of the panel: those of A come first, then those of B.</summary>
    private void PackStrips(int start, int end)
    {
        for (int strip = start; strip < end; strip++)
        {
            if (strip < rowStrips)
            {
                int i = i0 + (strip * kernel.Rows);
                int width = Math.Min(kernel.Rows, i0 + rows - i);
                if (HasWork(i, width))
                    StripPacking<T>.Pack(a, i, width, p0, depth, TileKernel<T>.PackedStride(width), StripOfA(strip));
            }
            else
            {
                int j = j0 + ((strip - rowStrips) * kernel.Columns);
                StripPacking<T>.Pack(b, j, Math.Min(kernel.Columns, j0 + columns - j), p0, depth, kernel.Columns, StripOfB(strip - rowStrips));
            }
        }
    }

    /// <summary>Computes pieces [start, end) of the panel's share of C; neighbours share their columns.</summary>
    private void ComputePieces(int start, int end)
    {
        int rowBlocks = (rowStrips + rowStripsPerPiece - 1) / rowStripsPerPiece;
        for (int piece = start; piece < end; piece++)
        {
            int firstRow = piece % rowBlocks * rowStripsPerPiece;
            int firstColumn = piece / rowBlocks * columnStripsPerPiece;
            int lastRow = Math.Min(firstRow + rowStripsPerPiece, rowStrips);
            int lastColumn = Math.Min(firstColumn + columnStripsPerPiece, columnStrips);
            for (int strip = firstRow; strip < lastRow; strip++) ComputeStrip(strip, firstColumn, lastColumn);
        }
    }

    private void ComputeStrip(int strip, int firstColumn, int lastColumn)
    {
        int i = i0 + (strip * kernel.Rows);
        int height = Math.Min(kernel.Rows, i0 + rows - i);
        if (!HasWork(i, height)) return;
        nint firstPanel = shape == ProductShape.UpperA ? i / panelDepth * panelDepth : 0;
        bool fromZero = !accumulate && p0 == firstPanel;

        // of a triangular A, the depths that are zero for the whole strip are left out
        nint from = shape == ProductShape.UpperA ? nint.Max(0, i - p0) : 0;
        nint to = shape == ProductShape.LowerA ? nint.Min(depth, i + height - p0) : depth;
        T* stripOfA = StripOfA(strip) + (from * TileKernel<T>.PackedStride(height));
        for (int other = firstColumn; other < lastColumn; other++)
        {
            int j = j0 + (other * kernel.Columns);
            int width = Math.Min(kernel.Columns, j0 + columns - j);
            if (shape == ProductShape.UpperC && j + width <= i) continue;
            kernel.RunClipped(height, width, to - from, stripOfA, StripOfB(other) + (from * kernel.Columns), c + (i * stride) + j, stride, fromZero);
        }
    }

    /// <summary>Whether rows [i, i + height) of A have elements in this panel that are not zero by shape.</summary>
    private bool HasWork(int i, int height) => shape switch
    {
        ProductShape.UpperA => i < p0 + depth,
        ProductShape.LowerA => i + height > p0,
        _ => true,
    };

    private T* StripOfA(int strip) => packedA + (strip * panelDepth * TileKernel<T>.PackedStride(kernel.Rows));

    private T* StripOfB(int strip) => packedB + (strip * panelDepth * kernel.Columns);
}
