namespace Halfbit.Numerics;

/// <summary>C ← (C +) A·B for few rows of A (decoding): B is read once and never stored packed beyond a strip that stays in the nearest cache.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <remarks>The same chains as <see cref="BlockedProduct{T}"/>, hence the same bits.</remarks>
internal sealed unsafe class NarrowProduct<T>
    where T : unmanaged
{
    /// <summary>Rows of A up to which this form is used.</summary>
    public const int MaxRows = 56;

    [ThreadStatic]
    private static NarrowProduct<T>? idle;

    [ThreadStatic]
    private static AlignedBuffer? stripBuffer;

    private readonly Action<int, int> computeStrips;
    private readonly AlignedBuffer bufferA = new();
    private TileKernel<T> kernel = null!;
    private Operand<T> a;
    private Operand<T> b;
    private T* c;
    private nint stride;
    private bool accumulate;
    private nint innerDimension;
    private nint panelDepth;
    private int rowStrips;
    private T* packedA;

    private NarrowProduct() => computeStrips = ComputeStrips;

    /// <summary>As <see cref="BlockedProduct{T}.Run"/>.</summary>
    public static void Run(TileKernel<T> kernel, in Operand<T> a, in Operand<T> b, nint depth, T* c, nint stride, bool accumulate)
    {
        NarrowProduct<T> product = idle ?? new NarrowProduct<T>();
        idle = null;
        product.kernel = kernel;
        product.a = a;
        product.b = b;
        product.c = c;
        product.stride = stride;
        product.accumulate = accumulate;
        product.innerDimension = depth;
        product.Compute();
        idle = product;
    }

    private void Compute()
    {
        panelDepth = Math.Min(2 * kernel.Depth, innerDimension);
        rowStrips = (a.Outer + kernel.Rows - 1) / kernel.Rows;
        nint panels = (innerDimension + panelDepth - 1) / panelDepth;
        packedA = bufferA.Reserve<T>(panels * rowStrips * panelDepth * TileKernel<T>.PackedStride(kernel.Rows));
        for (nint p = 0; p < innerDimension; p += panelDepth)
        {
            for (int strip = 0; strip < rowStrips; strip++)
            {
                int height = HeightOf(strip);
                StripPacking<T>.Pack(a, strip * kernel.Rows, height, p, nint.Min(panelDepth, innerDimension - p), TileKernel<T>.PackedStride(height), StripOfA(p, strip));
            }
        }

        int strips = (b.Outer + kernel.Columns - 1) / kernel.Columns;
        int threads = RowParallel.IsInside ? 1 : RowParallel.Threads;
        RowParallel.For(strips, Math.Clamp(strips / (8 * threads), 1, 8), computeStrips);
    }

    private void ComputeStrips(int start, int end)
    {
        T* packedB = (stripBuffer ??= new AlignedBuffer()).Reserve<T>(panelDepth * kernel.Columns);
        for (int other = start; other < end; other++)
        {
            int j = other * kernel.Columns;
            int width = Math.Min(kernel.Columns, b.Outer - j);
            for (nint p = 0; p < innerDimension; p += panelDepth)
            {
                nint depth = nint.Min(panelDepth, innerDimension - p);
                StripPacking<T>.Pack(b, j, width, p, depth, kernel.Columns, packedB);
                for (int strip = 0; strip < rowStrips; strip++)
                {
                    T* target = c + (strip * kernel.Rows * stride) + j;
                    kernel.RunClipped(HeightOf(strip), width, depth, StripOfA(p, strip), packedB, target, stride, !accumulate && p == 0);
                }
            }
        }
    }

    private int HeightOf(int strip) => Math.Min(kernel.Rows, a.Outer - (strip * kernel.Rows));

    private T* StripOfA(nint p, int strip)
        => packedA + (((p * rowStrips) + (strip * panelDepth)) * TileKernel<T>.PackedStride(kernel.Rows));
}
