using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>All about a <see cref="TiledMatrix"/> but its bytes.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
/// <param name="Strips">The strips.</param>
/// <param name="Sections">Ranges of strips.</param>
/// <param name="RowScales">The scales of whole rows, or null.</param>
internal sealed record TileLayout(int Rows, int Columns, Strip[] Strips, ColumnRange[] Sections, RowScales? RowScales)
{
    /// <summary>[tiles · strips + 1], where records start, in cache lines.</summary>
    public required int[] Lines { get; init; }

    /// <summary>Tiles.</summary>
    public int Tiles => (Rows + PlaneKernel.TileRows - 1) / PlaneKernel.TileRows;

    /// <summary>Cache lines of the row scales of a tile.</summary>
    public int ScaleLines => RowScales is null ? 0 : TiledMatrix.LinesOf(RowScales.ByteCount);

    /// <summary>Cache lines of all records and row scales.</summary>
    public long TotalLines => Lines[^1] + ((long)ScaleLines * Tiles);
}
