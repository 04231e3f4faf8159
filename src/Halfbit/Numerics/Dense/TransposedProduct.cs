namespace Halfbit.Numerics;

/// <summary>C ← (C +) A·B for few columns of B, as Cᵀ ← (Cᵀ +) Bᵀ·Aᵀ: the products commute exactly, so the bits are the same.</summary>
internal static unsafe class TransposedProduct
{
    [ThreadStatic]
    private static AlignedBuffer? buffer;

    /// <summary>As <see cref="BlockedProduct{T}.Run"/>; a.Outer is large, b.Outer small.</summary>
    public static void Run(TileKernel<float> kernel, in Operand<float> a, in Operand<float> b, nint depth, float* c, nint stride, bool accumulate)
    {
        int rows = a.Outer;
        int columns = b.Outer;
        float* transposed = (buffer ??= new AlignedBuffer()).Reserve<float>((nint)rows * columns);
        if (accumulate)
        {
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j++) transposed[((nint)j * rows) + i] = c[(i * stride) + j];
            }
        }

        NarrowProduct<float>.Run(kernel, b, a, depth, transposed, rows, accumulate);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) c[(i * stride) + j] = transposed[((nint)j * rows) + i];
        }
    }
}
