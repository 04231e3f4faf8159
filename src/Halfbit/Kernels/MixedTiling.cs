using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Lays PB-LLM's mixtures out in tiles.</summary>
internal static unsafe class MixedTiling
{
    public static TiledMatrix? Of(MixedMatrix matrix, IWeightRows source)
    {
        if (matrix.Salient is not GridMatrix salient || matrix.Low is not (SignMatrix or GridMatrix or ZeroMatrix)) return null;
        int lowGroup = matrix.Low switch { SignMatrix signs => signs.GroupSize, GridMatrix grid => grid.GroupSize, _ => matrix.Columns };
        var strips = new List<MixedStrip>();
        var sources = new List<GridSource>();
        foreach ((int low, int high, int[] columns) in Cut(matrix.Columns, lowGroup, salient.GroupSize))
        {
            WritableStrip? rest = Tiling.PartOf(matrix.Low, low, columns, (i, j) => !matrix.IsSalient[i, j]);
            strips.Add(new MixedStrip(columns, rest, new ScaleTable(salient.Format)));
            sources.Add(new GridSource((i, j) => salient.Codes[(i * salient.Columns) + j], i => salient.Scale[(i * salient.Groups) + high], i => salient.ZeroOf(i, high), (i, j) => matrix.IsSalient[i, j]));
        }

        return Tiling.Written(source, strips, (tile, s) => strips[s].BytesOf(sources[s].IsKept!, tile * PlaneKernel.TileRows, matrix.Rows), (record, s, firstRow) => strips[s].Write((byte*)record, sources[s], firstRow, matrix.Rows));
    }

    /// <summary>Strips that lie in one group of either part.</summary>
    private static IEnumerable<(int Low, int High, int[] Columns)> Cut(int columns, int lowGroup, int highGroup)
    {
        for (int start = 0; start < columns;)
        {
            int end = Math.Min(Math.Min(((start / lowGroup) + 1) * lowGroup, ((start / highGroup) + 1) * highGroup), Math.Min(columns, start + PlaneKernel.MostColumns));
            yield return (start / lowGroup, start / highGroup, [.. Enumerable.Range(start, end - start)]);
            start = end;
        }
    }
}
