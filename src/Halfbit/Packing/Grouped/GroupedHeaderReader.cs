using System.Buffers.Binary;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>Reads the header of a matrix of grouped signs, believing nothing: the checksum may have been made to fit.</summary>
internal static class GroupedHeaderReader
{
    /// <summary>Reads everything but frame and shape.</summary>
    /// <exception cref="Halfbit.Checkpoints.CheckpointException">The header contradicts itself or the length.</exception>
    public static GroupedHeader Read(ReadOnlySpan<byte> blob, int rows, int columns, string where)
    {
        (int kind, int salientGroups, int otherGroups, int keepByte) = (blob[9], blob[10], blob[11], blob[28]);
        (int n, int m, int lanes) = (blob[29], blob[30], blob[31]);
        int count = salientGroups + otherGroups;
        if (kind != GroupedHeader.Kind || count is < 1 or > GroupedHeader.MaximumGroups || keepByte > (int)KeepEncoding.Runs)
            throw BlobError.Damaged(where, $"kind {kind} with {salientGroups} + {otherGroups} groups and keep encoding {keepByte}, expected kind {GroupedHeader.Kind}, 1 to {GroupedHeader.MaximumGroups} groups, an encoding up to 3");
        var keep = (KeepEncoding)keepByte;
        var pattern = new NOfM(n, m);
        bool isPattern = n >= 1 && n <= m && m <= NOfM.LargestRun;
        bool fits = keep switch
        {
            KeepEncoding.All => (n == 0 && m == 0) || (isPattern && GroupedHeader.KeptOf(pattern, columns) == columns),
            KeepEncoding.Runs => isPattern,
            _ => (n == 0 && m == 0) || isPattern,
        };
        if (!fits) throw BlobError.Damaged(where, $"the pattern {n}:{m} does not fit the keep encoding {keep}");
        int blockWidth = BinaryPrimitives.ReadInt32LittleEndian(blob[20..]);
        int rowsPerBlock = BinaryPrimitives.ReadInt32LittleEndian(blob[24..]);
        if (blockWidth is < 1 or > PartLayout.MaximumWidth || rowsPerBlock < 1
            || (rowsPerBlock > GroupedHeader.LeastRowsPerBlock && (long)rowsPerBlock * columns > GroupedHeader.LargestBlock))
        {
            throw BlobError.Damaged(where, $"{blockWidth} columns per scale or {rowsPerBlock} rows per block are out of range");
        }

        int maskCount = (keep == KeepEncoding.Coded ? 1 : 0) + Math.Max(0, salientGroups - 1) + Math.Max(0, otherGroups - 1);
        if (maskCount == 0 ? lanes != 0 : lanes is not (1 or 2 or 4 or 8 or 16) || rowsPerBlock % lanes != 0)
            throw BlobError.Damaged(where, $"{lanes} lanes do not fit {maskCount} coded masks and {rowsPerBlock} rows per block");
        int codesAt = GroupedHeader.FixedBytes + (count * GroupLayout.ByteCount) + (maskCount * GroupMask.ByteCount);
        if (codesAt > blob.Length) throw BlobError.Damaged(where, $"has {blob.Length} bytes, its header alone needs {codesAt}");
        var groups = new GroupLayout[count];
        for (int g = 0; g < count; g++) groups[g] = GroupLayout.Read(blob[(GroupedHeader.FixedBytes + (g * GroupLayout.ByteCount))..], g, where);
        for (int g = 0; g < count; g++)
        {
            GroupLayout ofKind = groups[g < salientGroups ? 0 : salientGroups];
            if (groups[g].SharesBeta && groups[g].Beta != ofKind.Beta) throw BlobError.Damaged(where, $"group {g} shares column scales that are stored in another format");
        }

        var codes = new ScaleCode[groups.Sum(g => g.HasCodedAlpha ? g.Planes : 0)];
        int bitmapAt = codesAt + (codes.Length * ScaleCode.ByteCount);
        long endsAt = bitmapAt + (salientGroups > 0 ? CodePacking.ByteCount(columns, 1) : 0);
        if (endsAt > blob.Length) throw BlobError.Damaged(where, $"has {blob.Length} bytes, its header alone needs {endsAt}");

        ReadCodes(blob[codesAt..bitmapAt], groups, salientGroups, codes, where);
        GroupMask[] masks = ReadMasks(blob.Slice(GroupedHeader.FixedBytes + (count * GroupLayout.ByteCount), maskCount * GroupMask.ByteCount), lanes, where);
        int first = keep == KeepEncoding.Coded ? 1 : 0;
        if (first == 1 && masks[0].Group != GroupMask.OfKept) throw BlobError.Damaged(where, $"the first mask is of group {masks[0].Group}, expected the kept weights");
        int[] salientOrder = Order(masks.AsSpan(first, Math.Max(0, salientGroups - 1)), 0, salientGroups, where);
        int[] otherOrder = Order(masks.AsSpan(first + Math.Max(0, salientGroups - 1)), salientGroups, otherGroups, where);
        bool[]? isSalient = salientGroups == 0 ? null : ReadColumns(blob[bitmapAt..(int)endsAt], columns, where);
        var others = new ColumnKind(columns, isSalient, false, blockWidth, otherOrder);
        ColumnKind[] kinds = isSalient is null ? [others] : [new ColumnKind(columns, isSalient, true, blockWidth, salientOrder), others];
        if (otherGroups == 0 && others.Count > 0) throw BlobError.Damaged(where, $"{others.Count} columns are not salient, and there is no group for them");

        var header = new GroupedHeader
        {
            Rows = rows,
            Columns = columns,
            Groups = groups,
            SalientGroups = salientGroups,
            BlockWidth = blockWidth,
            RowsPerBlock = rowsPerBlock,
            Keep = keep,
            Pattern = pattern,
            Lanes = lanes,
            Masks = masks,
            ScaleCodes = codes,
            Kinds = kinds,
        };
        header = ReadEnds(header, blob, (int)endsAt, where);
        if (!header.TryPlace() || header.ByteCount != blob.Length) throw BlobError.Damaged(where, $"has {blob.Length} bytes, its header implies {header.ByteCount}");
        return header;
    }

    private static void ReadCodes(ReadOnlySpan<byte> bytes, GroupLayout[] groups, int salientGroups, ScaleCode[] codes, string where)
    {
        int t = 0;
        int before = -1;
        for (int g = 0; g < groups.Length; g++)
        {
            for (int plane = 0; groups[g].HasCodedAlpha && plane < groups[g].Planes; plane++, t++)
            {
                int flags = bytes[2 * t];
                codes[t] = new ScaleCode((ScalePrediction)(flags & 3), flags >> 2, bytes[(2 * t) + 1]);
                bool follows = before >= 0 && before < salientGroups == g < salientGroups;
                if (flags >= 32 || (!follows && codes[t].Prediction >= ScalePrediction.Other))
                    throw BlobError.Damaged(where, $"the row scales of group {g}, plane {plane} have the code {flags}, which is unknown or needs a table before it");
                before = g;
            }
        }
    }

    private static GroupMask[] ReadMasks(ReadOnlySpan<byte> bytes, int lanes, string where)
    {
        var masks = new GroupMask[bytes.Length / GroupMask.ByteCount];
        Span<byte> model = stackalloc byte[GroupMask.ByteCount];
        for (int m = 0; m < masks.Length; m++)
        {
            bytes.Slice(m * GroupMask.ByteCount, GroupMask.ByteCount).CopyTo(model);
            int group = model[0];
            model[0] = (byte)lanes;
            masks[m] = new GroupMask(group, MaskModelParameters.Read(model, where));
        }

        return masks;
    }

    /// <summary>The groups of the masks, then the one that is left.</summary>
    private static int[] Order(ReadOnlySpan<GroupMask> masks, int firstGroup, int count, string where)
    {
        if (count == 0) return [];
        var left = Enumerable.Range(firstGroup, count).ToList();
        var order = new List<int>();
        foreach (GroupMask mask in masks)
        {
            if (!left.Remove(mask.Group)) throw BlobError.Damaged(where, $"the mask of group {mask.Group} is not expected, only {string.Join(", ", left)}");
            order.Add(mask.Group);
        }

        return [.. order, left[0]];
    }

    private static bool[] ReadColumns(ReadOnlySpan<byte> bitmap, int columns, string where)
    {
        var isSalient = new bool[columns];
        for (int j = 0; j < columns; j++) isSalient[j] = (bitmap[j >> 3] >> (j & 7) & 1) != 0;
        if ((columns & 7) != 0 && bitmap[^1] >> (columns & 7) != 0) throw BlobError.Damaged(where, $"the bitmap marks columns beyond {columns}");
        return isSalient;
    }

    private static GroupedHeader ReadEnds(GroupedHeader header, ReadOnlySpan<byte> blob, int at, string where)
    {
        bool hasKept = !header.HasEvenRows;
        bool hasSecond = header.HasSecond && !header.HasEvenSecond;
        bool hasStream = header.Masks.Length > 0;
        bool hasScales = header.ScaleCodes.Length > 0;
        int width = 4 * ((hasKept ? 1 : 0) + (hasSecond ? 1 : 0) + (hasStream ? 1 : 0) + (hasScales ? 1 : 0));
        if (at + ((long)width * header.RowBlocks) > blob.Length) throw BlobError.Damaged(where, $"has {blob.Length} bytes, too few for {header.RowBlocks} row blocks");
        int[] Column(ReadOnlySpan<byte> bytes, bool isThere, int skip)
        {
            if (!isThere) return [];
            var ends = new int[header.RowBlocks];
            for (int b = 0; b < ends.Length; b++) ends[b] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(at + (b * width) + skip)..]);
            return ends;
        }

        int[] kept = Column(blob, hasKept, 0);
        int[] second = Column(blob, hasSecond, hasKept ? 4 : 0);
        int[] stream = Column(blob, hasStream, width - (hasScales ? 8 : 4));
        int[] scales = Column(blob, hasScales, width - 4);
        for (int b = 0; b < header.RowBlocks; b++)
        {
            int blockRows = Math.Min(header.RowsPerBlock, header.Rows - (b * header.RowsPerBlock));
            long weights = (long)blockRows * header.Columns;
            int states = 4 * Math.Min(header.Lanes, blockRows);
            if (Grows(kept, b, 0, weights) && Grows(second, b, 0, weights) && Grows(stream, b, states, int.MaxValue) && Grows(scales, b, 0, int.MaxValue)) continue;
            throw BlobError.Damaged(where, $"the ends of row block {b} do not follow those before them");
        }

        return header with { KeptEnds = kept, SecondEnds = second, StreamEnds = stream, ScaleEnds = scales };
    }

    private static bool Grows(int[] ends, int b, int least, long most)
    {
        if (ends.Length == 0) return true;
        long growth = (long)ends[b] - (b == 0 ? 0 : ends[b - 1]);
        return growth >= least && growth <= most;
    }
}
