using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Lays quantized matrices out in tiles.</summary>
internal static unsafe class Tiling
{
    /// <summary>The tiles of a matrix, or null where it has parts that no kernel multiplies.</summary>
    /// <param name="matrix">The logical matrix.</param>
    /// <param name="source">What expands rows.</param>
    public static TiledMatrix? Of(QuantizedMatrix matrix, IWeightRows source) => matrix switch
    {
        SignMatrix signs => Of(signs, source),
        GridMatrix grid => Of(grid, source),
        GroupedSignMatrix grouped => GroupedTiling.Of(grouped, source),
        MixedMatrix mixed => MixedTiling.Of(mixed, source),
        _ => null,
    };

    /// <summary>The groups of columns that share scales, each cut into strips.</summary>
    public static IEnumerable<(int Group, int[] Columns)> Cut(int columns, int groupSize, Func<int, bool>? isChosen = null)
    {
        int g = 0;
        foreach (ColumnRange group in ColumnRange.Split(columns, groupSize))
        {
            int[] chosen = [.. Enumerable.Range(group.Start, group.Count).Where(j => isChosen is null || isChosen(j))];
            foreach (int[] strip in chosen.Chunk(PlaneKernel.MostColumns)) yield return (g, strip);
            g++;
        }
    }

    private static TiledMatrix Of(SignMatrix matrix, IWeightRows source)
    {
        var strips = new List<SignStrip>();
        var sources = new List<SignSource>();
        foreach ((int g, int[] columns) in Cut(matrix.Columns, matrix.GroupSize))
        {
            var signs = new SignSource((i, j) => matrix.Signs[i, j])
            {
                Alpha = [[i => matrix.Alpha[(i * matrix.Groups) + g]]],
                Mu = matrix.Mu is null ? null : [i => matrix.Mu[(i * matrix.Groups) + g]],
            };
            sources.Add(signs);
            strips.Add(new SignStrip(columns, signs, [matrix.Format], [matrix.Format]));
        }

        return Written(source, strips, [.. strips.Select(s => s.ByteCount)], (record, s, firstRow) => strips[s].Write((byte*)record, sources[s], firstRow, matrix.Rows));
    }

    private static TiledMatrix Of(GridMatrix matrix, IWeightRows source)
    {
        (int Group, int[] Columns)[] cut = [.. Cut(matrix.Columns, matrix.GroupSize)];
        GridStrip[] strips = [.. cut.Select(c => new GridStrip(c.Columns, matrix.Bits, matrix.Zero is not null, matrix.Format))];
        return Written(source, strips, [.. strips.Select(s => s.ByteCount)], (record, s, firstRow) => strips[s].Write(
            (byte*)record, (i, j) => matrix.Codes[(i * matrix.Columns) + j], i => matrix.Scale[(i * matrix.Groups) + cut[s].Group], i => matrix.ZeroOf(i, cut[s].Group), firstRow, matrix.Rows));
    }

    /// <summary>Makes the matrix and writes all records.</summary>
    /// <param name="source">What expands rows.</param>
    /// <param name="strips">The strips.</param>
    /// <param name="bytes">[strips], bytes of their records.</param>
    /// <param name="write">Writes a record: its address, the strip, the first row.</param>
    public static TiledMatrix Written(IWeightRows source, IReadOnlyList<Strip> strips, IReadOnlyList<int> bytes, Action<nint, int, int> write)
    {
        var tiled = new TiledMatrix(source, strips, bytes);
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
