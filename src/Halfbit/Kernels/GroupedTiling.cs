using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>
/// Lays matrices of grouped signs out in tiles: salient columns and the others in strips of their own. Where the groups of a kind of column share their column scales (or have none) and agree
/// in planes and means, one strip holds them all; else each group and plane has a strip of its own in which its members alone are kept.
/// </summary>
internal static unsafe class GroupedTiling
{
    public static TiledMatrix Of(GroupedSignMatrix matrix, IWeightRows source)
    {
        var strips = new List<SignStrip>();
        var sources = new List<SignSource>();
        foreach (ColumnRange block in ColumnRange.Split(matrix.Columns, matrix.GroupSize))
        {
            int b = block.Start / matrix.GroupSize;
            foreach (bool isSalient in (bool[])[true, false])
            {
                int[] columns = [.. Enumerable.Range(block.Start, block.Count).Where(j => (matrix.SalientGroups > 0 && matrix.IsSalient is not null && matrix.IsSalient[j]) == isSalient)];
                (int first, int count) = isSalient ? (0, matrix.SalientGroups) : (matrix.SalientGroups, matrix.Groups.Count - matrix.SalientGroups);
                foreach (int[] piece in columns.Chunk(PlaneKernel.MostColumns)) Add(piece, b, first, count);
            }
        }

        return Tiling.Written(source, strips, (_, s) => strips[s].ByteCount, (record, s, firstRow) => strips[s].Write((byte*)record, sources[s], firstRow, matrix.Rows));

        void Add(int[] columns, int b, int first, int count)
        {
            SignGroup[] groups = [.. Enumerable.Range(first, count).Select(g => matrix.Groups[g])];
            if (groups.All(g => g.Planes == groups[0].Planes && (g.Mu is null) == (groups[0].Mu is null) && HasSameScales(g, groups[0], columns)))
            {
                AddStrip(columns, groups, 0, new SignSource((i, j) => matrix.Signs[i, j])
                {
                    SecondSign = groups[0].Planes == 2 ? (i, j) => matrix.SecondSigns![i, j] : null,
                    IsKept = matrix.Keep is null ? null : (i, j) => matrix.Keep[i, j],
                    Group = count == 1 ? null : (i, j) => matrix.Group(i, j) - first,
                    Alpha = [.. groups.Select(g => g.Alpha.Select(a => (Func<int, float>)(i => a[(i * matrix.Blocks) + b])).ToArray())],
                    Mu = groups[0].Mu is null ? null : [.. groups.Select(g => (Func<int, float>)(i => g.Mu![(i * matrix.Blocks) + b]))],
                });
                return;
            }

            for (int k = 0; k < count; k++)
            {
                int g = first + k;
                for (int plane = 0; plane < groups[k].Planes; plane++)
                {
                    (float[] alpha, float[]? mu) = (groups[k].Alpha[plane], plane == 0 ? groups[k].Mu : null);
                    AddStrip(columns, [groups[k]], plane, new SignSource(plane == 0 ? (i, j) => matrix.Signs[i, j] : (i, j) => matrix.SecondSigns![i, j])
                    {
                        IsKept = (i, j) => matrix.Group(i, j) == g && (matrix.Keep is null || matrix.Keep[i, j]),
                        Alpha = [[i => alpha[(i * matrix.Blocks) + b]]],
                        Mu = mu is null ? null : [i => mu[(i * matrix.Blocks) + b]],
                    });
                }
            }
        }

        void AddStrip(int[] columns, SignGroup[] groups, int plane, SignSource signs)
        {
            // A mean is not scaled by its column: it goes with activations as they are.
            float[]? beta = groups[0].Beta is null ? null : [.. columns.Select(j => groups[0].Beta![plane][j])];
            SignSource scaled = beta is null || signs.Mu is null ? signs : signs with { Mu = null };
            strips.Add(new SignStrip(columns, scaled, [.. groups.Select(g => g.AlphaFormat)], [.. groups.Select(g => g.MuFormat)]) { ColumnScales = beta });
            sources.Add(scaled);
            if (ReferenceEquals(scaled, signs)) return;
            SignSource means = signs with { SecondSign = null, Alpha = [.. groups.Select(_ => new Func<int, float>[] { _ => 0f })] };
            strips.Add(new SignStrip(columns, means, [.. groups.Select(_ => ScaleFormat.Exact)], [.. groups.Select(g => g.MuFormat)]));
            sources.Add(means);
        }
    }

    private static bool HasSameScales(SignGroup group, SignGroup other, int[] columns)
        => (group.Beta is null) == (other.Beta is null) && (group.Beta is null || group.Beta.All(plane => columns.All(j => plane[j].Equals(other.Beta![0][j]))));
}
