using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Lays quantized matrices out in tiles.</summary>
internal static class Tiling
{
    /// <summary>The tiles of a matrix, or null where it has parts that no kernel multiplies.</summary>
    /// <param name="matrix">The logical matrix.</param>
    /// <param name="source">What expands rows.</param>
    /// <param name="precision">How activations are rounded.</param>
    public static TiledMatrix? Of(QuantizedMatrix matrix, IWeightRows source, ActivationPrecision precision = ActivationPrecision.EightBits)
        => Of(matrix, source) is TiledMatrix tiled ? tiled.With(precision) : null;

    private static TiledMatrix? Of(QuantizedMatrix matrix, IWeightRows source) => matrix switch
    {
        SignMatrix signs => Written(source, Parts(signs, signs.GroupSize, signs.Groups == 1), signs.Groups == 1 ? RowScales.From(signs, null) : null),
        GridMatrix grid => Written(source, Parts(grid, grid.GroupSize, isByRow: false)),
        GroupedSignMatrix grouped => GroupedTiling.Of(grouped, source),
        MixedMatrix mixed => MixedTiling.Of(mixed, source),
        _ => null,
    };

    /// <summary>A strip of signs or codes for some columns of one group; null for other matrices.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="g">The group.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="isLeft">Weights that do not count: products take <see cref="Strip.AddRest"/>. Null: all count.</param>
    /// <param name="isByRow">Whether the scales of signs are <see cref="RowScales"/>.</param>
    public static StripSource? PartOf(QuantizedMatrix matrix, int g, int[] columns, BitMatrix? isLeft, bool isByRow)
    {
        if (matrix is SignMatrix signs)
        {
            var strip = new SignStrip(columns, hasSecond: false, 0, isByRow ? [] : [signs.Format], isByRow || signs.Mu is null ? [] : [signs.Format]);
            var scales = new List<Func<int, float>> { i => signs.Alpha[(i * signs.Groups) + g] };
            if (signs.Mu is not null) scales.Add(i => signs.Mu[(i * signs.Groups) + g]);
            return strip.From(new SignSource([i => PlaneBits.Gather(signs.Signs.Row(i), strip) | (isLeft is null ? 0 : PlaneBits.Gather(isLeft.Row(i), strip))], isByRow ? [] : [scales]));
        }

        if (matrix is GridMatrix grid)
        {
            var strip = new GridStrip(columns, grid.Bits, GridStrip.KindOf(grid.Zero), grid.Format);
            return strip.From(new GridSource(
                (i, codes) =>
                {
                    grid.Codes.AsSpan((i * grid.Columns) + columns[0], columns.Length).CopyTo(codes.Span);
                    for (UInt128 left = isLeft is null ? 0 : PlaneBits.Gather(isLeft.Row(i), strip); left != 0; left &= left - 1) codes.Span[(int)UInt128.TrailingZeroCount(left)] = 0;
                },
                i => grid.Scale[(i * grid.Groups) + g],
                i => grid.ZeroOf(i, g)));
        }

        return null;
    }

    /// <summary>Makes a matrix and writes all records.</summary>
    /// <param name="source">What expands rows.</param>
    /// <param name="strips">The strips.</param>
    /// <param name="rowScales">The scales of whole rows; null: strips have all of them.</param>
    public static TiledMatrix Written(IWeightRows source, IReadOnlyList<StripSource> strips, RowScalesSource? rowScales = null)
    {
        int RowsOf(int tile) => Math.Min(PlaneKernel.TileRows, source.Rows - (tile * PlaneKernel.TileRows));
        var tiled = new TiledMatrix(
            source, [.. strips.Select(s => s.Strip)], rowScales?.Scales, (tile, s) => strips[s].BytesOf?.Invoke(tile * PlaneKernel.TileRows, RowsOf(tile)) ?? strips[s].Strip.ByteCount);
        RowParallel.For(tiled.Tiles, 1, (start, end) =>
        {
            for (int tile = start; tile < end; tile++) Write(tile);
        });
        return tiled;

        void Write(int tile)
        {
            int firstRow = tile * PlaneKernel.TileRows;
            foreach (ColumnRange section in tiled.Sections)
            {
                for (int s = section.Start; s < section.End; s++) strips[s].Write(tiled.RecordAddress(tile, s, section), firstRow, RowsOf(tile));
            }

            rowScales?.Write(tiled.ScaleAddress(tile), firstRow, RowsOf(tile));
        }
    }

    /// <summary>The groups of columns that share scales, each cut into strips.</summary>
    private static StripSource[] Parts(QuantizedMatrix matrix, int groupSize, bool isByRow)
        => [.. ColumnRange.Split(matrix.Columns, groupSize).SelectMany((group, g) => Enumerable.Range(group.Start, group.Count).Chunk(PlaneKernel.MostColumns).Select(columns => PartOf(matrix, g, columns, null, isByRow)!))];
}
