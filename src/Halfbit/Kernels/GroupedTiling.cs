using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>
/// Lays matrices of grouped signs out in tiles: salient columns and the others in strips of their own. Where the groups of a kind of column share their column scales (or have none) and agree
/// in planes and means, one strip holds them all; else each group and plane has a strip of its own in which all other weights are zeros.
/// </summary>
internal static class GroupedTiling
{
    public static TiledMatrix Of(GroupedSignMatrix matrix, IWeightRows source)
    {
        var strips = new List<SignStrip>();
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

        return Tiling.Written(source, strips);

        void Add(int[] columns, int b, int first, int count)
        {
            int[] all = [.. Enumerable.Range(first, count)];
            SignGroup one = matrix.Groups[first];
            if (count + (matrix.Keep is null ? 0 : 1) <= SignStrip.MostStates && all.All(g => matrix.Groups[g].Planes == one.Planes && (matrix.Groups[g].Mu is null) == (one.Mu is null) && HasSameScales(matrix.Groups[g], one, columns)))
            {
                AddStrip(columns, b, all, [.. Enumerable.Range(0, one.Planes)], one.Mu is not null, isAlone: true);
                return;
            }

            foreach (int g in all)
            {
                for (int plane = 0; plane < matrix.Groups[g].Planes; plane++) AddStrip(columns, b, [g], [plane], plane == 0 && matrix.Groups[g].Mu is not null, isAlone: false);
            }
        }

        void AddStrip(int[] columns, int b, int[] groups, int[] planes, bool hasMeans, bool isAlone)
        {
            // A mean is not scaled by its column: it goes with activations as they are.
            SignGroup first = matrix.Groups[groups[0]];
            float[]? beta = first.Beta is null ? null : [.. columns.Select(j => first.Beta[planes[0]][j])];
            bool haveOwnStrip = beta is not null && hasMeans;
            strips.Add(new SignStrip(columns, strip => Source(strip, b, groups, planes, hasMeans && !haveOwnStrip, isAlone)) { ColumnScales = beta });
            if (!haveOwnStrip) return;
            strips.Add(new SignStrip(columns, strip =>
            {
                SignSource means = Source(strip, b, groups, [planes[0]], hasMeans: true, isAlone);
                return means with { Alpha = [.. groups.Select(_ => new Func<int, float>[] { _ => 0f })], AlphaFormats = [.. groups.Select(_ => ScaleFormat.Exact)] };
            }));
        }

        SignSource Source(Strip strip, int b, int[] groups, int[] planes, bool hasMeans, bool isAlone)
        {
            Func<int, float> Of(float[] scales) => i => scales[(i * matrix.Blocks) + b];
            Func<int, UInt128> Signs(int plane) => i => PlaneBits.Gather((plane == 0 ? matrix.Signs : matrix.SecondSigns!).Row(i), strip);
            return new SignSource(Signs(planes[0]))
            {
                SecondSigns = planes.Length > 1 ? Signs(planes[1]) : null,
                States = States(matrix, strip, groups, isAlone),
                Alpha = [.. groups.Select(g => planes.Select(k => Of(matrix.Groups[g].Alpha[k])).ToArray())],
                AlphaFormats = [.. groups.Select(g => matrix.Groups[g].AlphaFormat)],
                Mu = hasMeans ? [.. groups.Select(g => Of(matrix.Groups[g].Mu!))] : null,
                MuFormats = [.. groups.Select(g => matrix.Groups[g].MuFormat)],
            };
        }
    }

    /// <summary>The bits that tell the groups of a strip, and zeros, apart.</summary>
    private static IReadOnlyList<Func<int, UInt128>> States(GroupedSignMatrix matrix, Strip strip, int[] groups, bool isAlone)
    {
        int states = groups.Length + (matrix.Keep is not null || !isAlone ? 1 : 0);
        if (states == 1) return [];
        if (groups.Length == 1 && isAlone)
        {
            UInt128 all = strip.Columns.Length == PlaneKernel.MostColumns ? UInt128.MaxValue : (UInt128.One << strip.Columns.Length) - 1;
            return [i => all & ~PlaneBits.Gather(matrix.Keep!.Row(i), strip)];
        }

        return [.. Enumerable.Range(0, int.Log2(states - 1) + 1).Select(bit => new Func<int, UInt128>(i =>
        {
            ReadOnlySpan<ulong> keep = matrix.Keep is null ? default : matrix.Keep.Row(i);
            UInt128 set = 0;
            for (int n = 0; n < strip.Columns.Length; n++)
            {
                int j = strip.Columns[n];
                int state = keep.IsEmpty || (keep[j >> 6] >> (j & 63) & 1) != 0 ? Array.IndexOf(groups, matrix.Group(i, j)) : -1;
                if (((state < 0 ? groups.Length : state) >> bit & 1) != 0) set |= UInt128.One << n;
            }

            return set;
        }))];
    }

    private static bool HasSameScales(SignGroup group, SignGroup other, int[] columns)
        => (group.Beta is null) == (other.Beta is null) && (group.Beta is null || group.Beta.All(plane => columns.All(j => plane[j].Equals(other.Beta![0][j]))));
}
