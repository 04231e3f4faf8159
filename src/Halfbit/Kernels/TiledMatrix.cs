using Halfbit.Numerics;
using Halfbit.Packing;

namespace Halfbit.Kernels;

/// <summary>
/// A quantized matrix as the kernels read it: tiles of 64 rows, each a run of records, one per strip of columns, so that a product reads the memory once, in order.
/// Nothing dense is kept: each weight takes its bits, each scale what it takes in the file at most twice over.
/// </summary>
public sealed unsafe class TiledMatrix : IWeightRows
{
    /// <summary>Read in advance beyond the last record.</summary>
    private const int Margin = 64;

    private readonly IWeightRows source;
    private readonly byte[] memory;
    private readonly nint start;

    internal TiledMatrix(IWeightRows source, IReadOnlyList<Strip> strips, IReadOnlyList<int> recordBytes)
    {
        this.source = source;
        Strips = [.. strips];
        Tiles = (source.Rows + PlaneKernel.TileRows - 1) / PlaneKernel.TileRows;
        Offsets = new int[Strips.Length + 1];
        for (int s = 0; s < Strips.Length; s++) Offsets[s + 1] = Offsets[s] + ((recordBytes[s] + Margin - 1) / Margin * Margin);
        long bytes = (long)Tiles * TileBytes;
        if (bytes + (2 * Margin) > Array.MaxLength) throw new NumericsException($"a matrix [{source.Rows}, {source.Columns}] needs {bytes} bytes in memory, more than 2^31");
        memory = GC.AllocateArray<byte>((int)bytes + (2 * Margin), pinned: true);
        start = ((nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref memory[0]) + Margin - 1) & ~(nint)(Margin - 1);
    }

    /// <inheritdoc/>
    public int Rows => source.Rows;

    /// <inheritdoc/>
    public int Columns => source.Columns;

    /// <summary>Bytes in memory.</summary>
    public long ByteCount => (long)Tiles * TileBytes;

    internal Strip[] Strips { get; }

    internal int Tiles { get; }

    /// <summary>[strips + 1], where records start within a tile.</summary>
    internal int[] Offsets { get; }

    private int TileBytes => Offsets[^1];

    /// <summary>The kernel form of a packed matrix; null where it has none (parts in single or half precision) and is expanded instead.</summary>
    /// <param name="packed">The matrix; stays open for <see cref="ReadRows"/>.</param>
    /// <exception cref="NumericsException">It needs more than 2³¹ bytes.</exception>
    public static TiledMatrix? Of(PackedMatrix packed)
    {
        ArgumentNullException.ThrowIfNull(packed);
        return Tiling.Of(packed.Unpack(), packed);
    }

    /// <inheritdoc/>
    public void ReadRows(int firstRow, MatrixView<float> destination) => source.ReadRows(firstRow, destination);

    /// <summary>Y ← X·Wᵀ.</summary>
    /// <param name="X">[t, columns].</param>
    /// <param name="Y">[t, rows].</param>
    /// <param name="isExact">Whether activations keep 24 bits relative to the largest of each strip, instead of eight.</param>
    /// <remarks>A row of Y depends on its row of X alone; it has the same bits for any number of rows and threads, and any kernel.</remarks>
    public void MultiplyTransposed(MatrixView<float> X, MatrixView<float> Y, bool isExact)
    {
        if (X.Columns != Columns || Y.Columns != Rows || X.Rows != Y.Rows)
            throw new ArgumentException($"Y [{Y.Rows}, {Y.Columns}] is not the shape of X [{X.Rows}, {X.Columns}] · Wᵀ, W [{Rows}, {Columns}]");
        if (X.Rows > 0) TiledProduct.Run(this, X, Y, isExact, KernelSelection.Current);
    }

    internal byte* Record(int tile, int strip) => (byte*)start + ((nint)tile * TileBytes) + Offsets[strip];
}
