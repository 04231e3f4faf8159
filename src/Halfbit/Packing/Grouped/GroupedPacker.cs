using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>Packs matrices of grouped signs: what a weight needs is stored once, and only where the weight is kept.</summary>
internal static class GroupedPacker
{
    /// <summary>Packs a matrix.</summary>
    /// <param name="matrix">[rows, columns].</param>
    /// <param name="encoding">How to store which weights are kept; null: whatever is shortest.</param>
    /// <exception cref="ArgumentException">The matrix contradicts itself, or a number is not exactly storable in its format.</exception>
    public static byte[] Pack(GroupedSignMatrix matrix, KeepEncoding? encoding = null)
    {
        GroupMembers members = GroupMembers.Of(matrix);
        GroupLayout[] groups = [.. matrix.Groups.Select((group, g) => GroupLayout.Of(group) with { SharesBeta = SharesBeta(matrix, g, members) })];
        int rowsPerBlock = Packer.RowsPerBlock(matrix.Rows, matrix.Columns);
        int lanes = Packer.Lanes(matrix.Rows, matrix.Columns);
        (KeepEncoding keep, MaskToCode? codedKeep) = ChooseKeep(members, matrix.Pattern, encoding, rowsPerBlock, lanes);

        var masks = new List<GroupMask>();
        var coded = new List<MaskToCode>();
        if (codedKeep is not null)
        {
            masks.Add(new GroupMask(GroupMask.OfKept, codedKeep.Model));
            coded.Add(codedKeep);
        }

        foreach (ColumnKind kind in members.Kinds) AddMarks(kind, members, lanes, masks, coded);
        (int[] starts, byte[] stream) = coded.Count > 0 ? MaskEncoder.Encode(coded, rowsPerBlock) : ([], []);
        var header = new GroupedHeader
        {
            Rows = matrix.Rows,
            Columns = matrix.Columns,
            Groups = groups,
            SalientGroups = matrix.SalientGroups,
            BlockWidth = matrix.GroupSize,
            RowsPerBlock = rowsPerBlock,
            Keep = keep,
            Pattern = matrix.Pattern ?? default,
            Lanes = coded.Count > 0 ? lanes : 0,
            Masks = [.. masks],
            Kinds = members.Kinds,
        };
        (ScaleCode[] codes, int[] scaleEnds, byte[] codedScales) = CodeScales(matrix, groups, header, rowsPerBlock);
        if (codes.Length > 0) header = header with { ScaleCodes = codes, Groups = [.. groups.Select(g => g with { HasCodedAlpha = g.Alpha.Kind == ScaleKind.Byte })] };
        BitMatrix? second = members.OfGroups(g => groups[g].Planes == 2);
        header = header with
        {
            KeptEnds = header.HasEvenRows ? [] : Ends(members.Keep!, rowsPerBlock),
            SecondEnds = second is null || header.HasEvenSecond ? [] : Ends(second, rowsPerBlock),
            StreamEnds = coded.Count > 0 ? [.. starts.Skip(1), stream.Length] : [],
            ScaleEnds = scaleEnds,
        };
        if (!header.TryPlace()) throw new ArgumentException($"[{header.Rows}, {header.Columns}] needs more than 2^31 - 1 bytes, or a width is above 2^30");
        var blob = new byte[header.ByteCount];
        WriteColumns(header, members.IsSalient, blob);
        WriteKept(header, members.Keep, blob);
        WriteSigns(header, matrix, members, second, blob);
        WriteTables(header, matrix, blob);
        codedScales.CopyTo(blob.AsSpan(header.CodedAlpha.Offset));
        WriteMasks(header, coded, stream, blob);
        header.Write(blob);
        return blob;
    }

    /// <summary>Whether one table of column scales serves all planes of group <paramref name="g"/>: that of the first group for the same columns.</summary>
    private static bool SharesBeta(GroupedSignMatrix matrix, int g, GroupMembers members)
    {
        (int first, ColumnKind kind) = g < matrix.SalientGroups ? (0, members.Kinds[0]) : (matrix.SalientGroups, members.Kinds[^1]);
        (SignGroup shared, SignGroup group) = (matrix.Groups[first], matrix.Groups[g]);
        if (shared.Beta is null || group.Beta is null || group.BetaFormat != shared.BetaFormat || (g == first && group.Planes == 1)) return false;
        return Enumerable.Range(0, kind.Count).Select(kind.Column).All(j => group.Beta.All(plane => BitConverter.SingleToInt32Bits(plane[j]) == BitConverter.SingleToInt32Bits(shared.Beta[0][j])));
    }

    /// <summary>Row scales in bytes, coded; nothing where that is no shorter.</summary>
    private static (ScaleCode[] Codes, int[] Ends, byte[] Bytes) CodeScales(GroupedSignMatrix matrix, GroupLayout[] groups, GroupedHeader header, int rowsPerBlock)
    {
        var tables = new List<byte[]>();
        var blocks = new List<int>();
        var follows = new List<bool>();
        ColumnKind? before = null;
        for (int g = 0; g < groups.Length; g++)
        {
            ColumnKind kind = header.KindOfGroup(g);
            for (int k = 0; groups[g].Alpha.Kind == ScaleKind.Byte && k < groups[g].Planes; k++)
            {
                var bytes = new byte[matrix.Rows * kind.BlockCount];
                NumberTable.Write(OfBlocks(matrix.Groups[g].Alpha[k], matrix, kind), groups[g].Alpha, bytes, $"scale of group {g}, plane {k}");
                tables.Add(bytes);
                blocks.Add(kind.BlockCount);
                follows.Add(before == kind);
                before = kind;
            }
        }

        if (tables.Count == 0) return ([], [], []);
        (ScaleCode[] codes, int[] ends, byte[] coded) = CodedScales.Encode(tables, blocks, follows, matrix.Rows, rowsPerBlock);
        bool isShorter = coded.Length + (4 * ends.Length) + (ScaleCode.ByteCount * codes.Length) < tables.Sum(t => (long)t.Length);
        return isShorter ? (codes, ends, coded) : ([], [], []);
    }

    private static (KeepEncoding Encoding, MaskToCode? Coded) ChooseKeep(GroupMembers members, NOfM? pattern, KeepEncoding? wanted, int rowsPerBlock, int lanes)
    {
        if (members.Keep is not BitMatrix mask) return (KeepEncoding.All, null);
        if (wanted is KeepEncoding.Bitmap or KeepEncoding.Runs) return (wanted.Value, null);
        long shortest = long.MaxValue;
        KeepEncoding best = KeepEncoding.Coded;
        if (wanted is null)
        {
            shortest = mask.Rows * CodePacking.ByteCount(mask.Columns, 1);
            best = KeepEncoding.Bitmap;
            long runs = pattern is NOfM p ? CodePacking.ByteCount((long)mask.Rows * new RunCode(p, mask.Columns).RowBits, 1) : long.MaxValue;
            if (runs <= shortest) (shortest, best) = (runs, KeepEncoding.Runs);
        }

        MaskToCode coded = Fit(mask, null, lanes);
        (int[] starts, byte[] stream) = MaskEncoder.Encode([coded], rowsPerBlock);
        long bytes = GroupMask.ByteCount + stream.Length + (4L * starts.Length) + CodePacking.ByteCount(mask.Columns, coded.Model.ColumnBits) + CodePacking.ByteCount(mask.Rows, coded.Model.RowBits);
        return bytes < shortest ? (KeepEncoding.Coded, coded) : (best, null);
    }

    /// <summary>The nested masks of one kind of column: each tells one group from those that are left.</summary>
    private static void AddMarks(ColumnKind kind, GroupMembers members, int lanes, List<GroupMask> masks, List<MaskToCode> coded)
    {
        BitMatrix? valid = members.Keep is null ? null : Compacted(members.Keep, kind);
        for (int k = 0; k + 1 < kind.Order.Length; k++)
        {
            BitMatrix mask = Compacted(members.Of(kind.Order[k]), kind);
            MaskToCode code = Fit(mask, valid, lanes);
            masks.Add(new GroupMask(kind.Order[k], code.Model));
            coded.Add(code);
            valid = Without(valid, mask);
        }
    }

    private static MaskToCode Fit(BitMatrix mask, BitMatrix? valid, int lanes)
    {
        (MaskModelParameters model, byte[] columnClasses, byte[] rowClasses) = MaskFit.Fit(mask, valid, lanes);
        return new MaskToCode(mask, valid, model, columnClasses, rowClasses);
    }

    private static BitMatrix Compacted(BitMatrix bits, ColumnKind kind)
    {
        if (kind.Columns is null) return bits;
        var compact = new BitMatrix(bits.Rows, kind.Count);
        for (int i = 0; i < bits.Rows; i++) kind.Compact(bits.Row(i), compact.Row(i));
        return compact;
    }

    private static BitMatrix Without(BitMatrix? valid, BitMatrix mask)
    {
        var rest = new BitMatrix(mask.Rows, mask.Columns);
        ulong last = (mask.Columns & 63) == 0 ? ulong.MaxValue : (1ul << (mask.Columns & 63)) - 1;
        for (int i = 0; i < mask.Rows; i++)
        {
            Span<ulong> row = rest.Row(i);
            for (int w = 0; w < row.Length; w++) row[w] = (valid is null ? w == row.Length - 1 ? last : ulong.MaxValue : valid.Row(i)[w]) & ~mask.Row(i)[w];
        }

        return rest;
    }

    private static int[] Ends(BitMatrix bits, int rowsPerBlock)
    {
        var ends = new int[((bits.Rows - 1) / rowsPerBlock) + 1];
        int sum = 0;
        for (int i = 0; i < bits.Rows; i++)
        {
            foreach (ulong word in bits.Row(i)) sum += BitOperations.PopCount(word);
            ends[i / rowsPerBlock] = sum;
        }

        return ends;
    }

    private static void WriteColumns(GroupedHeader header, bool[]? isSalient, byte[] blob)
    {
        for (int j = 0; isSalient is not null && j < isSalient.Length; j++)
        {
            if (isSalient[j]) blob[header.SalientColumns.Offset + (j >> 3)] |= (byte)(1 << (j & 7));
        }
    }

    private static void WriteKept(GroupedHeader header, BitMatrix? keep, byte[] blob)
    {
        Span<byte> destination = blob.AsSpan(header.KeptPositions.Offset, header.KeptPositions.ByteCount);
        int mapBytes = (int)CodePacking.ByteCount(header.Columns, 1);
        for (int i = 0; i < header.Rows && destination.Length > 0; i++)
        {
            ReadOnlySpan<ulong> row = keep!.Row(i);
            if (header.Runs is RunCode runs) runs.Write(row, destination, (long)i * runs.RowBits);
            else for (int b = 0; b < mapBytes; b++) destination[(i * mapBytes) + b] = (byte)(row[b >> 3] >> (8 * (b & 7)));
        }
    }

    private static void WriteSigns(GroupedHeader header, GroupedSignMatrix matrix, GroupMembers members, BitMatrix? second, byte[] blob)
    {
        Span<byte> signs = blob.AsSpan(header.Signs.Offset, header.Signs.ByteCount);
        Span<byte> secondSigns = blob.AsSpan(header.SecondSigns.Offset, header.SecondSigns.ByteCount);
        (long bit, long secondBit) = (0, 0);
        for (int i = 0; i < header.Rows; i++)
        {
            if (header.HasEvenRows) bit = 8L * i * header.SignRowBytes;
            bit = BitPacking.Compact(matrix.Signs.Row(i), members.Keep is null ? members.AllColumns : members.Keep.Row(i), signs, bit);
            if (second is not null) secondBit = BitPacking.Compact(matrix.SecondSigns!.Row(i), second.Row(i), secondSigns, secondBit);
        }
    }

    private static void WriteTables(GroupedHeader header, GroupedSignMatrix matrix, byte[] blob)
    {
        for (int g = 0; g < header.Groups.Length; g++)
        {
            (GroupLayout layout, GroupPlace place, SignGroup group) = (header.Groups[g], header.Places[g], matrix.Groups[g]);
            ColumnKind kind = header.KindOfGroup(g);
            for (int k = 0; k < layout.Planes; k++)
            {
                if (!layout.HasCodedAlpha) NumberTable.Write(OfBlocks(group.Alpha[k], matrix, kind), layout.Alpha, blob.AsSpan(k == 0 ? place.Alpha : place.SecondAlpha), $"scale of group {g}, plane {k}");
                if (layout.Beta is ScaleFormat beta && (!layout.SharesBeta || (k == 0 && g == header.FirstOfKind(g))))
                    NumberTable.Write([.. Enumerable.Range(0, kind.Count).Select(n => group.Beta![k][kind.Column(n)])], beta, blob.AsSpan(k == 0 ? place.Beta : place.SecondBeta), $"column scale of group {g}, plane {k}");
            }

            if (layout.Mu is ScaleFormat mu) NumberTable.Write(OfBlocks(group.Mu!, matrix, kind), mu, blob.AsSpan(place.Mu), $"mean of group {g}");
        }
    }

    /// <summary>The entries of a table that columns of the kind use.</summary>
    private static float[] OfBlocks(float[] table, GroupedSignMatrix matrix, ColumnKind kind)
    {
        if (kind.Blocks is null) return table;
        var entries = new float[matrix.Rows * kind.BlockCount];
        for (int i = 0; i < matrix.Rows; i++)
        {
            for (int n = 0; n < kind.BlockCount; n++) entries[(i * kind.BlockCount) + n] = table[(i * matrix.Blocks) + kind.Block(n)];
        }

        return entries;
    }

    private static void WriteMasks(GroupedHeader header, List<MaskToCode> coded, byte[] stream, byte[] blob)
    {
        for (int m = 0; m < coded.Count; m++)
        {
            CodePacking.Write(coded[m].ColumnClasses, coded[m].Model.ColumnBits, 0, blob.AsSpan(header.ClassOffsets[m].Columns));
            CodePacking.Write(coded[m].RowClasses, coded[m].Model.RowBits, 0, blob.AsSpan(header.ClassOffsets[m].Rows));
        }

        stream.CopyTo(blob.AsSpan(header.Stream.Offset));
    }
}
