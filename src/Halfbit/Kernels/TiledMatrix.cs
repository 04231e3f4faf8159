using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Packing;

namespace Halfbit.Kernels;

/// <summary>
/// A quantized matrix as the kernels read it: tiles of 128 rows and strips of columns, a record where they meet, in the order in which a product reads them, once.
/// Nothing dense is kept: each weight takes its bits, each scale what it takes in the file at most twice over.
/// </summary>
/// <remarks>Strips that follow each other make a section. Records lie section by section, in each tile by tile, in each strip by strip: the tables of a section's activations stay in the
/// first-level cache while all tiles pass. Row scales, where whole rows share them, follow at the end, tile by tile.</remarks>
public sealed unsafe class TiledMatrix : IWeightProduct
{
    /// <summary>Records start on cache lines; one more can be read beyond the last.</summary>
    internal const int Line = 64;

    /// <summary>Bytes of the records of a tile and of the tables of their activations that make a section: what passes between two uses of a table leaves it in a cache of 32 KB.</summary>
    private const int SectionBytes = 20 * 1024;

    private readonly IWeightRows? source; // what expands rows; null: the tiles
    private readonly byte[]? memory;
    private readonly MappedTensor? file; // in whose pages the tiles are
    private readonly nint start;
    private readonly int[] lines; // [tiles · strips + 1], where records start, in cache lines
    private readonly int scaleLines; // of the row scales of a tile

    /// <summary>Room for a matrix.</summary>
    /// <param name="source">Its shape; expands rows.</param>
    /// <param name="strips">The strips.</param>
    /// <param name="rowScales">The scales of whole rows, or null.</param>
    /// <param name="bytesOf">Bytes of the record of a tile and strip.</param>
    internal TiledMatrix(IWeightRows source, IReadOnlyList<Strip> strips, RowScales? rowScales, Func<int, int, int> bytesOf)
    {
        this.source = source;
        (Rows, Columns) = (source.Rows, source.Columns);
        Strips = [.. strips];
        Sections = [.. SectionsOf(Strips)];
        RowScales = rowScales;
        Tiles = (source.Rows + PlaneKernel.TileRows - 1) / PlaneKernel.TileRows;
        scaleLines = rowScales is null ? 0 : LinesOf(rowScales.ByteCount);
        lines = new int[(Tiles * Strips.Length) + 1];
        int k = 0;
        foreach (ColumnRange section in Sections)
        {
            for (int tile = 0; tile < Tiles; tile++)
            {
                for (int s = section.Start; s < section.End; s++, k++) lines[k + 1] = checked(lines[k] + LinesOf(bytesOf(tile, s)));
            }
        }

        (memory, start) = Allocate();
    }

    /// <summary>A matrix whose tiles are laid out already.</summary>
    /// <param name="layout">What a file says about them.</param>
    /// <param name="start">Where they are.</param>
    /// <param name="memory">The pinned array that holds them, or null.</param>
    /// <param name="file">The tensor whose pages hold them, or null.</param>
    internal TiledMatrix(TileLayout layout, nint start, byte[]? memory, MappedTensor? file)
    {
        (Rows, Columns, Strips, Sections, RowScales) = (layout.Rows, layout.Columns, layout.Strips, layout.Sections, layout.RowScales);
        (Tiles, lines, scaleLines) = (layout.Tiles, layout.Lines, layout.ScaleLines);
        (this.start, this.memory, this.file) = (start, memory, file);
    }

    private TiledMatrix(TiledMatrix other, bool isCopy)
    {
        (Rows, Columns, source, Strips, Sections, RowScales) = (other.Rows, other.Columns, other.source, other.Strips, other.Sections, other.RowScales);
        (Tiles, lines, scaleLines) = (other.Tiles, other.lines, other.scaleLines);
        Precision = other.Precision;
        file = isCopy ? null : other.file;
        (memory, start) = isCopy ? Allocate() : (other.memory, other.start);
        if (isCopy) Buffer.MemoryCopy((void*)other.start, (void*)start, ByteCount, ByteCount);
    }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Columns { get; }

    /// <summary>How activations are rounded.</summary>
    public ActivationPrecision Precision { get; private init; }

    /// <summary>Bytes in memory.</summary>
    public long ByteCount => (lines[^1] + ((long)scaleLines * Tiles)) * Line;

    /// <summary>A few words for people: <c>tiles: signs</c>, <c>tiles: two planes of signs, signs in 2 groups</c>, …</summary>
    public string Format => "tiles: " + string.Join(", ", Strips.Select(s => s.Description).Distinct());

    internal Strip[] Strips { get; }

    /// <summary>Ranges of strips.</summary>
    internal ColumnRange[] Sections { get; }

    internal RowScales? RowScales { get; }

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

    /// <summary>Whether a tensor looks like a matrix laid out to run: U8, one dimension, and it starts with <c>HBTL</c>.</summary>
    internal static bool IsTiles(MappedTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor is { Type: ElementType.U8, Shape.Count: 1, ByteCount: >= TileHeader.Bytes } && TileHeader.StartsWithMagic(tensor.Bytes(0, TileHeader.Bytes));
    }

    /// <summary>Opens a matrix laid out to run, which is multiplied from the pages of its file. The whole tensor is read once to compare its checksum.</summary>
    /// <param name="tensor">A one-dimensional U8 tensor; its file must stay open.</param>
    /// <param name="precision">How activations are rounded.</param>
    /// <exception cref="CheckpointException">The tensor is something else, damaged, or of a newer version.</exception>
    public static TiledMatrix Open(MappedTensor tensor, ActivationPrecision precision = ActivationPrecision.EightBits)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return TileFormat.Open(tensor).With(precision);
    }

    /// <inheritdoc/>
    public void ReadRows(int firstRow, MatrixView<float> destination)
    {
        if (source is not null) source.ReadRows(firstRow, destination);
        else TileExpansion.ReadRows(this, firstRow, destination);
    }

    /// <inheritdoc/>
    public void MultiplyTransposed(MatrixView<float> X, MatrixView<float> Y) => MultiplyTransposed(X, Y, Precision == ActivationPrecision.Exact);

    /// <summary>Y ← X·Wᵀ with either precision.</summary>
    internal void MultiplyTransposed(MatrixView<float> X, MatrixView<float> Y, bool isExact)
    {
        if (X.Columns != Columns || Y.Columns != Rows || X.Rows != Y.Rows)
            throw new ArgumentException($"Y [{Y.Rows}, {Y.Columns}] is not the shape of X [{X.Rows}, {X.Columns}] · Wᵀ, W [{Rows}, {Columns}]");
        if (X.Rows == 0) return;
        if (file is not null) _ = file.Bytes(0, 1); // where the file is closed, an exception and nothing worse
        if (LevelProduct.IsFor(this, X.Rows, LevelKernel.Current)) LevelProduct.Run(this, X, Y, isExact, LevelKernel.Current);
        else TiledProduct.Run(this, X, Y, isExact, PlaneKernel.Current);
    }

    /// <summary>The same matrix, in the same place, with another precision of activations.</summary>
    internal TiledMatrix With(ActivationPrecision precision) => new(this, isCopy: false) { Precision = precision };

    /// <summary>The same matrix at another place in memory.</summary>
    internal TiledMatrix Copy() => new(this, isCopy: true);

    /// <summary>All records and row scales.</summary>
    internal ReadOnlySpan<byte> Memory => new((void*)start, checked((int)ByteCount));

    /// <summary>Cache lines of a record, in the order in which they lie.</summary>
    internal int LinesOfRecord(int record) => lines[record + 1] - lines[record];

    /// <summary>The record of a tile and a strip of a section.</summary>
    internal byte* Record(int tile, int strip, ColumnRange section)
        => (byte*)start + ((nint)lines[(section.Start * Tiles) + (tile * section.Count) + strip - section.Start] * Line);

    /// <summary>The row scales of a tile.</summary>
    internal byte* ScaleRecord(int tile) => (byte*)start + ((lines[^1] + ((nint)tile * scaleLines)) * Line);

    /// <summary>As <see cref="Record"/>, for code without pointers.</summary>
    internal nint RecordAddress(int tile, int strip, ColumnRange section) => (nint)Record(tile, strip, section);

    /// <summary>As <see cref="ScaleRecord"/>, for code without pointers.</summary>
    internal nint ScaleAddress(int tile) => (nint)ScaleRecord(tile);

    internal static int LinesOf(int bytes) => (bytes + Line - 1) / Line;

    private static IEnumerable<ColumnRange> SectionsOf(Strip[] strips)
    {
        for (int start = 0, end; start < strips.Length; start = end)
        {
            int bytes = BytesOf(strips[start]);
            for (end = start + 1; end < strips.Length && bytes + BytesOf(strips[end]) <= SectionBytes; end++) bytes += BytesOf(strips[end]);
            yield return new ColumnRange(start, end);
        }

        static int BytesOf(Strip strip) => strip.ByteCount + (strip.Words * PlaneKernel.MostTableBytes);
    }

    private (byte[] Memory, nint Start) Allocate()
    {
        if (ByteCount + (2 * Line) > Array.MaxLength) throw new NumericsException($"a matrix [{Rows}, {Columns}] needs {ByteCount} bytes in memory, more than 2^31");
        byte[] bytes = GC.AllocateArray<byte>((int)ByteCount + (2 * Line), pinned: true);
        return (bytes, ((nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref bytes[0]) + Line - 1) & ~(nint)(Line - 1));
    }
}
