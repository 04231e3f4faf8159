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
        var strips = new List<StripSource>();
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
            Add(groups.Select(g => matrix.Groups[g].AlphaFormat), g => planes.Select(k => Of(matrix.Groups[g].Alpha[k])), planes, hasMeans && !haveOwnStrip, beta);
            if (haveOwnStrip) Add(groups.Select(_ => ScaleFormat.Exact), g => [_ => 0f], [planes[0]], hasMeans, null);

            void Add(IEnumerable<ScaleFormat> alphaFormats, Func<int, IEnumerable<Func<int, float>>> alphaOf, int[] planes, bool hasMeans, float[]? columnScales)
            {
                int stateBits = StateBits(matrix, groups.Length, isAlone);
                var strip = new SignStrip(columns, planes.Length > 1, stateBits, alphaFormats, hasMeans ? groups.Select(g => matrix.Groups[g].MuFormat) : []) { ColumnScales = columnScales };
                IEnumerable<Func<int, UInt128>> signs = planes.Select(plane => new Func<int, UInt128>(i => PlaneBits.Gather((plane == 0 ? matrix.Signs : matrix.SecondSigns!).Row(i), strip)));
                strips.Add(strip.From(new SignSource(
                    [.. signs, .. States(matrix, strip, stateBits, groups)],
                    [.. groups.Select(g => (IReadOnlyList<Func<int, float>>)[.. alphaOf(g), .. hasMeans ? [Of(matrix.Groups[g].Mu!)] : Array.Empty<Func<int, float>>()])])));
            }

            Func<int, float> Of(float[] scales) => i => scales[(i * matrix.Blocks) + b];
        }
    }

    private static int StateBits(GroupedSignMatrix matrix, int groups, bool isAlone)
    {
        int states = groups + (matrix.Keep is not null || !isAlone ? 1 : 0);
        return states == 1 ? 0 : int.Log2(states - 1) + 1;
    }

    /// <summary>The bits that tell the groups of a strip, and zeros, apart.</summary>
    private static IEnumerable<Func<int, UInt128>> States(GroupedSignMatrix matrix, Strip strip, int stateBits, int[] groups)
    {
        UInt128 all = strip.Columns.Length == PlaneKernel.MostColumns ? UInt128.MaxValue : (UInt128.One << strip.Columns.Length) - 1;
        UInt128 Left(int i) => matrix.Keep is null ? 0 : all & ~PlaneBits.Gather(matrix.Keep.Row(i), strip);
        if (matrix.GroupOf is null) return stateBits == 0 ? [] : [Left];
        return Enumerable.Range(0, stateBits).Select(bit => new Func<int, UInt128>(i =>
        {
            // The state of each group of the matrix; weights of other groups are zeros, as those that are not kept.
            Span<byte> stateOf = stackalloc byte[8];
            stateOf.Fill((byte)groups.Length);
            for (int g = 0; g < groups.Length; g++) stateOf[groups[g]] = (byte)g;
            ReadOnlySpan<byte> groupOf = matrix.GroupOf.AsSpan(i * matrix.Columns, matrix.Columns);
            UInt128 set = 0;
            for (int n = strip.Columns.Length - 1; n >= 0; n--) set = (set << 1) | (UInt128)(stateOf[groupOf[strip.Columns[n]]] >> bit & 1);
            return (groups.Length >> bit & 1) != 0 ? set | Left(i) : set & ~Left(i);
        }));
    }

    private static bool HasSameScales(SignGroup group, SignGroup other, int[] columns)
        => (group.Beta is null) == (other.Beta is null) && (group.Beta is null || group.Beta.All(plane => columns.All(j => plane[j].Equals(other.Beta![0][j]))));
}
