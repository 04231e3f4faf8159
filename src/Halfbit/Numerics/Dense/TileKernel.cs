namespace Halfbit.Numerics;

/// <summary>The innermost step of a dense product: one tile of C over one panel of the inner dimension, from packed operands.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal abstract unsafe class TileKernel<T>
    where T : unmanaged
{
    /// <summary>Rows of a full tile.</summary>
    public abstract int Rows { get; }

    /// <summary>Columns of a tile; a tile is always computed over all of them.</summary>
    public abstract int Columns { get; }

    /// <summary>Length of a panel of the inner dimension: what two packed strips may be long so that they stay near the core.</summary>
    public abstract int Depth { get; }

    /// <summary>Elements from one depth to the next in a packed strip of A with <paramref name="rows"/> rows.</summary>
    public static int PackedStride(int rows) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)rows);

    /// <summary>c[i, j] ← (fromZero ? 0 : c[i, j]) + Σₚ a[p, i]·b[p, j], p ascending, each step one fused multiply-add.</summary>
    /// <param name="rows">Rows of this tile, 1..<see cref="Rows"/>.</param>
    /// <param name="depth">Length of the panel, ≥ 1.</param>
    /// <param name="a">[depth, PackedStride(rows)].</param>
    /// <param name="b">[depth, <see cref="Columns"/>].</param>
    /// <param name="c">[rows, <see cref="Columns"/>] with distance <paramref name="stride"/>.</param>
    /// <param name="stride">Elements from one row of c to the next.</param>
    /// <param name="fromZero">Whether the chains start at zero instead of c.</param>
    public abstract void Run(int rows, nint depth, T* a, T* b, T* c, nint stride, bool fromZero);

    /// <summary>As <see cref="Run"/> for a tile of which only the first <paramref name="columns"/> columns exist in C.</summary>
    public void RunClipped(int rows, int columns, nint depth, T* a, T* b, T* c, nint stride, bool fromZero)
    {
        if (columns == Columns)
            Run(rows, depth, a, b, c, stride, fromZero);
        else
            RunBeside(rows, columns, depth, a, b, c, stride, fromZero);
    }

    private void RunBeside(int rows, int columns, nint depth, T* a, T* b, T* c, nint stride, bool fromZero)
    {
        T* tile = stackalloc T[Rows * Columns];
        if (!fromZero)
        {
            for (int i = 0; i < rows; i++) new ReadOnlySpan<T>(c + (i * stride), columns).CopyTo(new Span<T>(tile + (i * Columns), columns));
        }

        Run(rows, depth, a, b, tile, Columns, fromZero);
        for (int i = 0; i < rows; i++) new ReadOnlySpan<T>(tile + (i * Columns), columns).CopyTo(new Span<T>(c + (i * stride), columns));
    }
}
