using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>The inverse of <see cref="GroupedPacker"/>.</summary>
internal static class GroupedUnpacker
{
    /// <summary>The logical matrix. What was not stored becomes zero (signs: −1; group of a weight that is not kept: the first of its kind of column).</summary>
    public static GroupedSignMatrix Unpack(GroupedHeader header, ReadOnlySpan<byte> blob, long identity, string where)
    {
        var rows = new GroupedRows(header, blob, identity, where);
        int words = (header.Columns + 63) / 64;
        var signs = new BitMatrix(header.Rows, header.Columns);
        BitMatrix? second = header.HasSecond ? new BitMatrix(header.Rows, header.Columns) : null;
        BitMatrix? keep = header.Keep == KeepEncoding.All ? null : new BitMatrix(header.Rows, header.Columns);
        bool[]? isSalient = header.SalientGroups > 0 ? Columns(header) : null;
        byte[]? groupOf = header.Kinds.Any(k => k.Order.Length > 1) ? new byte[header.Rows * header.Columns] : null;
        for (int i = 0; i < header.Rows; i++)
        {
            GroupedBlock block = rows.Load(i / header.RowsPerBlock, Math.Min(header.RowsPerBlock, header.Rows - (i / header.RowsPerBlock * header.RowsPerBlock)));
            int k = i - block.FirstRow;
            rows.Signs(block, k).CopyTo(signs.Row(i));
            if (second is not null) rows.SecondSigns(block, k).CopyTo(second.Row(i));
            if (keep is not null) block.Keep.Slice(k * words, words).CopyTo(keep.Row(i));
            for (int j = 0; groupOf is not null && j < header.Columns; j++)
            {
                groupOf[(i * header.Columns) + j] = (byte)(isSalient is not null && isSalient[j] ? 0 : header.SalientGroups);
                for (int g = 0; g < header.Groups.Length; g++)
                {
                    if ((block.Members(g)[(k * words) + (j >> 6)] >> (j & 63) & 1) != 0) groupOf[(i * header.Columns) + j] = (byte)g;
                }
            }
        }

        var groups = new SignGroup[header.Groups.Length];
        for (int g = 0; g < groups.Length; g++) groups[g] = Group(header, rows, g);
        return new GroupedSignMatrix(signs, groups, header.SalientGroups, header.BlockWidth)
        {
            SecondSigns = second,
            IsSalient = isSalient,
            GroupOf = groupOf,
            Keep = keep,
            Pattern = header.HasPattern ? header.Pattern : null,
        };
    }

    private static bool[] Columns(GroupedHeader header)
        => [.. Enumerable.Range(0, header.Columns).Select(j => (header.Kinds[0].Words[j >> 6] >> (j & 63) & 1) != 0)];

    private static SignGroup Group(GroupedHeader header, GroupedRows rows, int g)
    {
        (GroupLayout layout, GroupPlace place, ColumnKind kind) = (header.Groups[g], header.Places[g], header.KindOfGroup(g));
        var alpha = new float[layout.Planes][];
        float[][]? beta = layout.Beta is null ? null : new float[layout.Planes][];
        for (int k = 0; k < layout.Planes; k++)
        {
            alpha[k] = OfBlocks(header, kind, rows.Table(k == 0 ? place.Alpha : place.SecondAlpha, layout.Alpha));
            if (beta is null) continue;
            NumberTable table = rows.Table(k == 0 ? place.Beta : place.SecondBeta, layout.Beta!.Value);
            beta[k] = new float[header.Columns];
            for (int n = 0; n < kind.Count; n++) beta[k][kind.Column(n)] = table[n];
        }

        return new SignGroup
        {
            Alpha = alpha,
            Mu = layout.Mu is ScaleFormat mu ? OfBlocks(header, kind, rows.Table(place.Mu, mu)) : null,
            Beta = beta,
            HasByteScales = layout.Alpha.Kind == ScaleKind.Byte,
            AlphaFormat = layout.Alpha,
            MuFormat = layout.Mu ?? default,
            BetaFormat = layout.Beta ?? default,
        };
    }

    private static float[] OfBlocks(GroupedHeader header, ColumnKind kind, NumberTable table)
    {
        int blocks = ((header.Columns - 1) / header.BlockWidth) + 1;
        var entries = new float[header.Rows * blocks];
        for (int i = 0; i < header.Rows; i++)
        {
            for (int n = 0; n < kind.BlockCount; n++) entries[(i * blocks) + kind.Block(n)] = table[(i * kind.BlockCount) + n];
        }

        return entries;
    }
}
