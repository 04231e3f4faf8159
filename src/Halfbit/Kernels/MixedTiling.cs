using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Lays PB-LLM's mixtures out in tiles. Where scales are those of whole rows, as by default, they are stored once.</summary>
internal static class MixedTiling
{
    public static TiledMatrix? Of(MixedMatrix matrix, IWeightRows source)
    {
        if (matrix.Salient is not GridMatrix salient || matrix.Low is not (SignMatrix or GridMatrix or ZeroMatrix)) return null;
        int lowGroup = matrix.Low switch { SignMatrix signs => signs.GroupSize, GridMatrix grid => grid.GroupSize, _ => matrix.Columns };
        SignMatrix? rowSigns = matrix.Low is SignMatrix { Groups: 1 } whole ? whole : null;
        bool isByRow = salient.Groups == 1 && matrix.Low is not GridMatrix && (matrix.Low is not SignMatrix || rowSigns is not null);
        if (!isByRow) rowSigns = null;
        ZeroKind zeros = GridStrip.KindOf(salient.Zero);
        var strips = new List<StripSource>();
        foreach ((int low, int high, int[] columns) in Cut(matrix.Columns, lowGroup, salient.GroupSize))
        {
            StripSource? rest = Tiling.PartOf(matrix.Low, low, columns, matrix.IsSalient, rowSigns is not null);
            strips.Add(new MixedStrip(columns, rest?.Strip, isByRow, salient.Bits, zeros, salient.Format).From(matrix, high, rest));
        }

        return Tiling.Written(source, strips, isByRow ? RowScales.From(rowSigns, salient) : null);
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
