using System.Buffers.Binary;
using Halfbit.Checkpoints;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>A coded mask: the weights that are kept, or the members of one group.</summary>
/// <param name="Group">The group, or <see cref="OfKept"/>.</param>
/// <param name="Model">Shape of the probabilities.</param>
internal readonly record struct GroupMask(int Group, MaskModelParameters Model)
{
    public const int ByteCount = 6;
    public const int OfKept = 255;
}

/// <summary>Where the tables of a group start; the second ones only count where the group has two planes.</summary>
internal readonly record struct GroupPlace(int Alpha, int SecondAlpha, int Mu, int Beta, int SecondBeta);

/// <summary>The bytes in front of a packed matrix of grouped signs (version 2), and where its sections lie; FORMAT.md is the specification.</summary>
internal sealed record GroupedHeader : BlobHeader
{
    public const int Version = 2;
    public const int Kind = 3;
    public const int FixedBytes = 32;
    public const int MaximumGroups = 8;

    /// <summary>Larger row blocks than this many weights have at most <see cref="LeastRowsPerBlock"/> rows.</summary>
    public const int LargestBlock = 1 << 18;
    public const int LeastRowsPerBlock = 64;

    /// <summary>All groups, those of salient columns first.</summary>
    public required GroupLayout[] Groups { get; init; }

    /// <summary>Groups of salient columns.</summary>
    public required int SalientGroups { get; init; }

    /// <summary>Columns that share row scales.</summary>
    public required int BlockWidth { get; init; }

    /// <summary>Rows after which decoding can start: row block b starts at row b · RowsPerBlock.</summary>
    public required int RowsPerBlock { get; init; }

    public required KeepEncoding Keep { get; init; }

    /// <summary>The pattern of the kept weights; M = 0 without.</summary>
    public NOfM Pattern { get; init; }

    /// <summary>Rows that are coded side by side; 0 when nothing is coded.</summary>
    public int Lanes { get; init; }

    /// <summary>In coding order: kept weights, groups of salient columns, groups of the other columns.</summary>
    public required GroupMask[] Masks { get; init; }

    /// <summary>The coded tables of row scales, by group and plane.</summary>
    public ScaleCode[] ScaleCodes { get; init; } = [];

    /// <summary>The salient columns, then the others; the first is missing without groups of salient columns.</summary>
    public required ColumnKind[] Kinds { get; init; }

    public bool HasPattern => Pattern.M != 0;

    /// <summary>Whether every row has the same number of kept weights: all of them, or those of a pattern.</summary>
    public bool HasEvenRows => Keep == KeepEncoding.All || HasPattern;

    /// <summary>Kept weights of each row, where rows are even.</summary>
    public int KeptPerRow { get; private set; }

    /// <summary>Bytes of a row of the first sign plane, where rows are even.</summary>
    public int SignRowBytes => (KeptPerRow + 7) / 8;

    /// <summary>Whether a group has two planes.</summary>
    public bool HasSecond => Groups.Any(g => g.Planes == 2);

    public int RowBlocks => ((Rows - 1) / RowsPerBlock) + 1;

    /// <summary>The code of the kept runs; null when they are stored otherwise.</summary>
    public RunCode? Runs { get; private set; }

    /// <summary>[row blocks]: kept weights, second signs and bytes of coded masks up to the end of each row block; empty where that needs no telling.</summary>
    public int[] KeptEnds { get; init; } = [];

    public int[] SecondEnds { get; init; } = [];

    public int[] StreamEnds { get; init; } = [];

    /// <summary>[row blocks]: bytes of coded row scales up to the end of each row block; empty without.</summary>
    public int[] ScaleEnds { get; init; } = [];

    /// <summary>Second signs of each row, where all rows have as many.</summary>
    public int SecondPerRow { get; private set; }

    /// <summary>Whether each row has the same number of second signs, so that none needs be stored.</summary>
    public bool HasEvenSecond => Keep == KeepEncoding.All && Kinds.All(k => k.Order.Select(g => Groups[g].Planes).Distinct().Count() <= 1);

    // Sections, in the order of the file.
    public PackedSection SalientColumns { get; private set; }

    public PackedSection BlockEnds { get; private set; }

    public PackedSection KeptPositions { get; private set; }

    public PackedSection Signs { get; private set; }

    public PackedSection Alpha { get; private set; }

    public PackedSection CodedAlpha { get; private set; }

    public PackedSection Mu { get; private set; }

    public PackedSection Beta { get; private set; }

    public PackedSection Classes { get; private set; }

    public PackedSection Stream { get; private set; }

    public PackedSection SecondSigns { get; private set; }

    /// <summary>The kind of columns that mask <paramref name="m"/> covers; null: all columns.</summary>
    public ColumnKind? KindOfMask(int m) => Masks[m].Group == GroupMask.OfKept ? null : KindOfGroup(Masks[m].Group);

    /// <summary>The kind of columns that use group <paramref name="g"/>.</summary>
    public ColumnKind KindOfGroup(int g) => g < SalientGroups ? Kinds[0] : Kinds[^1];

    /// <summary>The first group for the same columns as group <paramref name="g"/>.</summary>
    public int FirstOfKind(int g) => g < SalientGroups ? 0 : SalientGroups;

    /// <summary>[groups]; first bytes of the tables of each group.</summary>
    public GroupPlace[] Places { get; private set; } = [];

    /// <summary>[masks]; first bytes of the classes of each mask.</summary>
    public (int Columns, int Rows)[] ClassOffsets { get; private set; } = [];

    /// <summary>Places the sections.</summary>
    /// <returns>False when the whole would not fit 2³¹ − 1 bytes.</returns>
    public bool TryPlace()
    {
        KeptPerRow = Keep == KeepEncoding.All ? Columns : HasPattern ? KeptOf(Pattern, Columns) : 0;
        SecondPerRow = HasEvenSecond ? Kinds.Sum(k => k.Order.Length > 0 && Groups[k.Order[0]].Planes == 2 ? k.Count : 0) : 0;
        Runs = Keep == KeepEncoding.Runs ? new RunCode(Pattern, Columns) : null;
        long mapRow = CodePacking.ByteCount(Columns, 1);
        var sections = new List<PackedSection>();
        long end = 0;
        PackedSection Next(string name, long count)
        {
            var section = new PackedSection(name, (int)Math.Min(end, int.MaxValue), (int)Math.Min(count, int.MaxValue));
            end += count;
            if (count > 0) sections.Add(section);
            return section;
        }

        int ends = (KeptEnds.Length > 0 ? 1 : 0) + (SecondEnds.Length > 0 ? 1 : 0) + (StreamEnds.Length > 0 ? 1 : 0) + (ScaleEnds.Length > 0 ? 1 : 0);
        Next("header", FixedBytes + (Groups.Length * GroupLayout.ByteCount) + (Masks.Length * GroupMask.ByteCount) + (ScaleCodes.Length * ScaleCode.ByteCount));
        SalientColumns = Next("salient columns", SalientGroups > 0 ? mapRow : 0);
        BlockEnds = Next("row blocks", 4L * ends * RowBlocks);
        KeptPositions = Next("kept positions", Keep == KeepEncoding.Bitmap ? Rows * mapRow : CodePacking.ByteCount((long)Rows * (Runs?.RowBits ?? 0), 1));
        Signs = Next("signs", HasEvenRows ? (long)Rows * SignRowBytes : CodePacking.ByteCount(KeptEnds.LastOrDefault(), 1));
        Alpha = Next("scales", Groups.Select((_, g) => AlphaBytes(g) * Groups[g].Planes).Sum());
        CodedAlpha = Next("coded scales", ScaleEnds.LastOrDefault());
        Mu = Next("means", Groups.Select((_, g) => MuBytes(g)).Sum());
        Beta = Next("column scales", Groups.Select((_, g) => BetaBytes(g)).Sum());
        Classes = Next("mask classes", Masks.Select((_, m) => ColumnClassBytes(m) + RowClassBytes(m)).Sum());
        Stream = Next("masks", StreamEnds.LastOrDefault());
        SecondSigns = Next("second signs", CodePacking.ByteCount(SecondEnds.Length > 0 ? SecondEnds[^1] : (long)Rows * SecondPerRow, 1));
        Next("padding", -end & 7);
        if (end > int.MaxValue || Math.Max(BlockWidth, Columns) > PartLayout.MaximumWidth) return false;
        ByteCount = (int)end;
        Sections = sections;
        PlaceTables();
        return true;
    }

    public void Write(Span<byte> blob)
    {
        blob[9] = Kind;
        blob[10] = (byte)SalientGroups;
        blob[11] = (byte)(Groups.Length - SalientGroups);
        BinaryPrimitives.WriteInt32LittleEndian(blob[20..], BlockWidth);
        BinaryPrimitives.WriteInt32LittleEndian(blob[24..], RowsPerBlock);
        blob[28] = (byte)Keep;
        blob[29] = (byte)Pattern.N;
        blob[30] = (byte)Pattern.M;
        blob[31] = (byte)Lanes;
        int at = FixedBytes;
        foreach (GroupLayout group in Groups)
        {
            group.Write(blob[at..]);
            at += GroupLayout.ByteCount;
        }

        foreach (GroupMask mask in Masks)
        {
            mask.Model.Write(blob[at..]);
            blob[at] = (byte)mask.Group;
            at += GroupMask.ByteCount;
        }

        foreach (ScaleCode code in ScaleCodes)
        {
            blob[at] = (byte)((int)code.Prediction | (code.Shift << 2));
            blob[at + 1] = code.Center;
            at += ScaleCode.ByteCount;
        }

        at = BlockEnds.Offset;
        for (int b = 0; b < RowBlocks; b++)
        {
            foreach (int[] ends in (int[][])[KeptEnds, SecondEnds, StreamEnds, ScaleEnds])
            {
                if (ends.Length == 0) continue;
                BinaryPrimitives.WriteInt32LittleEndian(blob[at..], ends[b]);
                at += 4;
            }
        }

        Seal(blob, Version);
    }

    /// <summary>Reads and checks everything of the header but frame and shape.</summary>
    /// <exception cref="CheckpointException">The header contradicts itself or the length.</exception>
    public static GroupedHeader ReadBody(ReadOnlySpan<byte> blob, int rows, int columns, string where) => GroupedHeaderReader.Read(blob, rows, columns, where);

    /// <summary>Weights that each row of a pattern keeps.</summary>
    public static int KeptOf(NOfM pattern, int columns)
    {
        int cut = columns % pattern.M;
        return (columns / pattern.M * pattern.N) + (cut == 0 ? 0 : pattern.KeptOfRun(columns - cut, columns));
    }

    private void PlaceTables()
    {
        (int alpha, int mu, int beta, int classes) = (Alpha.Offset, Mu.Offset, Beta.Offset, Classes.Offset);
        Places = new GroupPlace[Groups.Length];
        for (int g = 0; g < Groups.Length; g++)
        {
            int ownBeta = IsFirstOfKind(g) || !Groups[g].SharesBeta ? beta : Places[FirstOfKind(g)].Beta;
            Places[g] = new GroupPlace(alpha, alpha + (int)AlphaBytes(g), mu, ownBeta, Groups[g].SharesBeta ? ownBeta : ownBeta + (int)(BetaBytes(g) / Groups[g].Planes));
            alpha += (int)AlphaBytes(g) * Groups[g].Planes;
            mu += (int)MuBytes(g);
            beta += (int)BetaBytes(g);
        }

        ClassOffsets = new (int, int)[Masks.Length];
        for (int m = 0; m < Masks.Length; m++)
        {
            ClassOffsets[m] = (classes, classes + (int)ColumnClassBytes(m));
            classes += (int)(ColumnClassBytes(m) + RowClassBytes(m));
        }
    }

    /// <summary>Bytes of the row scales of one plane that are not coded.</summary>
    private long AlphaBytes(int g) => Groups[g].HasCodedAlpha ? 0 : (long)Rows * KindOfGroup(g).BlockCount * Groups[g].Alpha.NumberBytes;

    private long MuBytes(int g) => Groups[g].Mu is ScaleFormat mu ? (long)Rows * KindOfGroup(g).BlockCount * mu.NumberBytes : 0;

    /// <summary>Bytes of the column scales that are stored with a group.</summary>
    private long BetaBytes(int g)
    {
        if (Groups[g].Beta is not ScaleFormat beta) return 0;
        int tables = !Groups[g].SharesBeta ? Groups[g].Planes : IsFirstOfKind(g) ? 1 : 0;
        return (long)KindOfGroup(g).Count * beta.NumberBytes * tables;
    }

    private bool IsFirstOfKind(int g) => g == FirstOfKind(g);

    private long ColumnClassBytes(int m) => CodePacking.ByteCount(KindOfMask(m)?.Count ?? Columns, Masks[m].Model.ColumnBits);

    private long RowClassBytes(int m) => CodePacking.ByteCount(Rows, Masks[m].Model.RowBits);
}
