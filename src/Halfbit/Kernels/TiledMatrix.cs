using Halfbit.Numerics;
using Halfbit.Packing;

namespace Halfbit.Kernels;

/// <summary>
/// A quantized matrix as the kernels read it: tiles of 128 rows, each a run of records, one per strip of columns, so that a product reads the memory once, in order.
/// Nothing dense is kept: each weight takes its bits, each scale what it takes in the file at most twice over.
/// </summary>
public sealed unsafe class TiledMatrix : IWeightProduct
{
    /// <summary>Records start on cache lines; one more can be read beyond the last.</summary>
    private const int Line = 64;

    private readonly IWeightRows source;
    private readonly byte[] memory;
    private readonly nint start;
    private readonly int[] lines; // [tiles · strips + 1], where records start, in cache lines

    /// <summary>Room for a matrix.</summary>
    /// <param name="source">Its shape; expands rows.</param>
    /// <param name="strips">The strips.</param>
    /// <param name="bytesOf">Bytes of the record of a tile and strip.</param>
    internal TiledMatrix(IWeightRows source, IReadOnlyList<Strip> strips, Func<int, int, int> bytesOf)
    {
        this.source = source;
        Strips = [.. strips];
        Tiles = (source.Rows + PlaneKernel.TileRows - 1) / PlaneKernel.TileRows;
        lines = new int[(Tiles * Strips.Length) + 1];
        for (int k = 0; k + 1 < lines.Length; k++) lines[k + 1] = lines[k] + ((bytesOf(k / Strips.Length, k % Strips.Length) + Line - 1) / Line);
        (memory, start) = Allocate();
    }

    private TiledMatrix(IWeightRows source, Strip[] strips, int[] lines)
    {
        (this.source, Strips, this.lines) = (source, strips, lines);
        Tiles = (lines.Length - 1) / strips.Length;
        (memory, start) = Allocate();
    }

    private TiledMatrix(TiledMatrix other)
    {
        (source, Strips, Tiles, lines) = (other.source, other.Strips, other.Tiles, other.lines);
        (memory, start) = (other.memory, other.start);
    }

    /// <inheritdoc/>
    public int Rows => source.Rows;

    /// <inheritdoc/>
    public int Columns => source.Columns;

    /// <summary>How activations are rounded.</summary>
    public ActivationPrecision Precision { get; private init; }

    /// <summary>Bytes in memory.</summary>
    public long ByteCount => (long)lines[^1] * Line;

    internal Strip[] Strips { get; }

    internal int Tiles { get; }

    /// <summary>The kernel form of a packed matrix; null where it has none (parts in single or half precision) and is expanded instead.</summary>
    /// <param name="packed">The matrix; stays open for <see cref="ReadRows"/>.</param>
    /// <param name="precision">How activations are rounded.</param>
    /// <exception cref="NumericsException">It needs more than 2³¹ bytes.</exception>
    public static TiledMatrix? Of(PackedMatrix packed, ActivationPrecision precision = ActivationPrecision.EightBits)
    {
        ArgumentNullException.ThrowIfNull(packed);
        return Tiling.Of(packed.Unpack(), packed, precision);
    }

    /// <inheritdoc/>
    public void ReadRows(int firstRow, MatrixView<float> destination) => source.ReadRows(firstRow, destination);

    /// <inheritdoc/>
    public void MultiplyTransposed(MatrixView<float> X, MatrixView<float> Y) => MultiplyTransposed(X, Y, Precision == ActivationPrecision.Exact);

    /// <summary>Y ← X·Wᵀ with either precision.</summary>
    internal void MultiplyTransposed(MatrixView<float> X, MatrixView<float> Y, bool isExact)
    {
        if (X.Columns != Columns || Y.Columns != Rows || X.Rows != Y.Rows)
            throw new ArgumentException($"Y [{Y.Rows}, {Y.Columns}] is not the shape of X [{X.Rows}, {X.Columns}] · Wᵀ, W [{Rows}, {Columns}]");
        if (X.Rows > 0) TiledProduct.Run(this, X, Y, isExact, PlaneKernel.Current);
    }

    /// <summary>The same matrix, in the same place, with another precision of activations.</summary>
    internal TiledMatrix With(ActivationPrecision precision) => new(this) { Precision = precision };

    /// <summary>The same matrix at another place in memory.</summary>
    internal TiledMatrix Copy()
    {
        var copy = new TiledMatrix(source, Strips, lines) { Precision = Precision };
        Buffer.MemoryCopy((void*)start, (void*)copy.start, ByteCount, ByteCount);
        return copy;
    }

    private (byte[] Memory, nint Start) Allocate()
    {
        if (ByteCount + (2 * Line) > Array.MaxLength) throw new NumericsException($"a matrix [{Rows}, {Columns}] needs {ByteCount} bytes in memory, more than 2^31");
        byte[] bytes = GC.AllocateArray<byte>((int)ByteCount + (2 * Line), pinned: true);
        return (bytes, ((nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref bytes[0]) + Line - 1) & ~(nint)(Line - 1));
    }

    internal byte* Record(int tile, int strip) => (byte*)start + ((nint)lines[(tile * Strips.Length) + strip] * Line);
}
