using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>A strip, and what writes its records.</summary>
/// <param name="Strip">The strip.</param>
/// <param name="Write">Writes a record: its address, the first row.</param>
internal sealed record WritableStrip(Strip Strip, Action<nint, int> Write);

/// <summary>Lays quantized matrices out in tiles.</summary>
internal static unsafe class Tiling
{
    /// <summary>The tiles of a matrix, or null where it has parts that no kernel multiplies.</summary>
    /// <param name="matrix">The logical matrix.</param>
    /// <param name="source">What expands rows.</param>
    /// <param name="precision">How activations are rounded.</param>
    public static TiledMatrix? Of(QuantizedMatrix matrix, IWeightRows source, ActivationPrecision precision = ActivationPrecision.EightBits)
        => Of(matrix, source) is TiledMatrix tiled ? tiled.With(precision) : null;

    private static TiledMatrix? Of(QuantizedMatrix matrix, IWeightRows source) => matrix switch
    {
        SignMatrix signs => Of(signs, signs.GroupSize, source),
        GridMatrix grid => Of(grid, grid.GroupSize, source),
        GroupedSignMatrix grouped => GroupedTiling.Of(grouped, source),
        MixedMatrix mixed => MixedTiling.Of(mixed, source),
        _ => null,
    };

    /// <summary>The groups of columns that share scales, each cut into strips.</summary>
    public static IEnumerable<(int Group, int[] Columns)> Cut(int columns, int groupSize)
    {
        int g = 0;
        foreach (ColumnRange group in ColumnRange.Split(columns, groupSize))
        {
            foreach (int[] strip in Enumerable.Range(group.Start, group.Count).Chunk(PlaneKernel.MostColumns)) yield return (g, strip);
            g++;
        }
    }

    /// <summary>Strips of signs or codes for some columns of one group; null for other matrices.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="g">The group.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="isKept">Whether a weight counts; null: all do. Else products take <see cref="Strip.AddKept"/>.</param>
    public static WritableStrip? PartOf(QuantizedMatrix matrix, int g, int[] columns, Func<int, int, bool>? isKept = null)
    {
        if (matrix is SignMatrix signs)
        {
            var source = new SignSource((i, j) => signs.Signs[i, j])
            {
                IsKept = isKept,
                Alpha = [[i => signs.Alpha[(i * signs.Groups) + g]]],
                Mu = signs.Mu is null ? null : [i => signs.Mu[(i * signs.Groups) + g]],
            };
            var strip = new SignStrip(columns, source, [signs.Format], [signs.Format], isKeptGiven: true);
            return new WritableStrip(strip, (record, firstRow) => strip.Write((byte*)record, source, firstRow, matrix.Rows));
        }

        if (matrix is GridMatrix grid)
        {
            var source = new GridSource((i, j) => grid.Codes[(i * grid.Columns) + j], i => grid.Scale[(i * grid.Groups) + g], i => grid.ZeroOf(i, g), isKept);
            var strip = new GridStrip(columns, grid.Bits, grid.Zero is not null, grid.Format);
            return new WritableStrip(strip, (record, firstRow) => strip.Write((byte*)record, source, firstRow, matrix.Rows));
        }

        return null;
    }

    private static TiledMatrix Of(QuantizedMatrix matrix, int groupSize, IWeightRows source)
    {
        WritableStrip[] strips = [.. Cut(matrix.Columns, groupSize).Select(c => PartOf(matrix, c.Group, c.Columns)!)];
        return Written(source, [.. strips.Select(s => s.Strip)], (_, s) => strips[s].Strip.ByteCount, (record, s, firstRow) => strips[s].Write(record, firstRow));
    }

    /// <summary>Makes the matrix and writes all records.</summary>
    /// <param name="source">What expands rows.</param>
    /// <param name="strips">The strips.</param>
    /// <param name="bytesOf">Bytes of the record of a tile and strip.</param>
    /// <param name="write">Writes a record: its address, the strip, the first row.</param>
    public static TiledMatrix Written(IWeightRows source, IReadOnlyList<Strip> strips, Func<int, int, int> bytesOf, Action<nint, int, int> write)
    {
        var tiled = new TiledMatrix(source, strips, bytesOf);
        RowParallel.For(tiled.Tiles, 1, (start, end) =>
        {
            for (int tile = start; tile < end; tile++)
            {
                for (int s = 0; s < strips.Count; s++) write((nint)tiled.Record(tile, s), s, tile * PlaneKernel.TileRows);
            }
        });
        return tiled;
    }
}
