using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>The weights that tiles stand for, row by row.</summary>
internal static unsafe class TileExpansion
{
    private const int Rows = PlaneKernel.TileRows;
    private const int Sums = 3;

    /// <summary>Writes rows in single precision; see <see cref="IWeightRows.ReadRows"/>.</summary>
    public static void ReadRows(TiledMatrix matrix, int firstRow, MatrixView<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Rows, matrix.Rows - firstRow, nameof(destination));
        if (destination.Columns != matrix.Columns) throw new ArgumentException($"the destination has {destination.Columns} columns, the matrix {matrix.Columns}", nameof(destination));
        for (int i = 0; i < destination.Rows; i++) ReadRow(matrix, firstRow + i, destination.Row(i));
    }

    private static void ReadRow(TiledMatrix matrix, int row, Span<float> weights)
    {
        float* u = stackalloc float[Sums * PlaneKernel.MostColumns];
        (int tile, int inTile) = (row / Rows, row % Rows);
        weights.Clear();
        foreach (ColumnRange section in matrix.Sections)
        {
            for (int s = section.Start; s < section.End; s++)
            {
                Strip strip = matrix.Strips[s];
                new Span<float>(u, Sums * PlaneKernel.MostColumns).Clear();
                strip.Expand(matrix.Record(tile, s, section), inTile, u);
                matrix.RowScales?.Expand(matrix.ScaleRecord(tile), inTile, u, strip.Columns.Length);
                for (int n = 0; n < strip.Columns.Length; n++) weights[strip.Columns[n]] += strip.ColumnScales is float[] scales ? u[n] * scales[n] : u[n];
            }
        }
    }
}
