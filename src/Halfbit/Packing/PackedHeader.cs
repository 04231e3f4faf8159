using System.Buffers.Binary;

namespace Halfbit.Packing;

/// <summary>The fixed bytes in front of a packed matrix of one part or a mixture (version 1), and where its sections lie; FORMAT.md is the specification.</summary>
internal sealed record PackedHeader : BlobHeader
{
    public const int Version = 1;
    public const int SingleBytes = LeastBytes;
    public const int MixedBytes = 64;

    /// <summary>The only part, or the low part of a mixture.</summary>
    public required PartLayout Low { get; init; }

    /// <summary>The salient part of a mixture.</summary>
    public PartLayout Salient { get; init; }

    public IndexEncoding Index { get; init; }

    public int SalientCount { get; init; }

    /// <summary>Rows after which the index can be entered: block b starts at row b·RowsPerBlock.</summary>
    public int RowsPerBlock { get; init; }

    /// <summary>Bytes of the coded index; 0 for a bitmap.</summary>
    public int StreamBytes { get; init; }

    public MaskModelParameters Model { get; init; }

    public bool IsMixed => Index != IndexEncoding.None;

    public int Blocks => IsMixed ? ((Rows - 1) / RowsPerBlock) + 1 : 0;

    /// <summary>Bits per weight of the dense plane.</summary>
    public int PlaneBits => Low.Bits;

    public int PlaneRowBytes => (int)CodePacking.ByteCount(Columns, PlaneBits);

    /// <summary>Bits of a salient code that the plane has room for: its highest ones.</summary>
    public int SharedBits => Math.Min(Low.Bits, Salient.Bits);

    /// <summary>Bits of a salient code that are stored apart.</summary>
    public int RestBits => Salient.Bits - SharedBits;

    public int MaskRowBytes => (int)CodePacking.ByteCount(Columns, 1);

    // Sections, in the order of the file.
    public PackedSection Plane { get; private set; }

    public PackedSection LowScales { get; private set; }

    public PackedSection LowSecond { get; private set; }

    public PackedSection SalientScales { get; private set; }

    public PackedSection SalientSecond { get; private set; }

    public PackedSection ColumnClasses { get; private set; }

    public PackedSection RowClasses { get; private set; }

    public PackedSection BlockTable { get; private set; }

    public PackedSection IndexBytes { get; private set; }

    public PackedSection SalientCodes { get; private set; }

    public PackedSection SalientValues { get; private set; }

    public PackedSection LowValues { get; private set; }

    /// <summary>Places the sections.</summary>
    /// <returns>False when the whole would not fit 2³¹ − 1 bytes.</returns>
    public bool TryPlace()
    {
        var sections = new List<PackedSection>();
        long end = 0;
        PackedSection Next(string name, long count)
        {
            var section = new PackedSection(name, (int)Math.Min(end, int.MaxValue), (int)Math.Min(count, int.MaxValue));
            end += count;
            if (count > 0) sections.Add(section);
            return section;
        }

        string low = IsMixed ? "low " : string.Empty;
        long lowCount = ((long)Rows * Columns) - SalientCount;
        Next("header", IsMixed ? MixedBytes : SingleBytes);
        Plane = Next(PlaneBits == 1 ? "signs" : low + "codes", (long)Rows * PlaneRowBytes);
        LowScales = Next(low + "scales", Low.FirstTableBytes(Rows, Columns));
        LowSecond = Next(low + (Low.Type == PartType.Sign ? "means" : "zeros"), Low.SecondTableBytes(Rows, Columns));
        SalientScales = Next("salient scales", Salient.FirstTableBytes(Rows, Columns));
        SalientSecond = Next(Salient.Type == PartType.Sign ? "salient means" : "salient zeros", Salient.SecondTableBytes(Rows, Columns));
        bool isCoded = Index == IndexEncoding.Coded;
        ColumnClasses = Next("index column classes", isCoded ? CodePacking.ByteCount(Columns, Model.ColumnBits) : 0);
        RowClasses = Next("index row classes", isCoded ? CodePacking.ByteCount(Rows, Model.RowBits) : 0);
        BlockTable = Next("index offsets", (long)(Blocks - 1) * (isCoded ? 8 : 4) * (IsMixed ? 1 : 0));
        IndexBytes = Next("index", isCoded ? StreamBytes : IsMixed ? (long)Rows * MaskRowBytes : 0);
        SalientCodes = Next("salient codes", CodePacking.ByteCount(SalientCount, RestBits));
        SalientValues = Next("salient values", Salient.Type == PartType.Plain ? (long)SalientCount * Salient.NumberBytes : 0);
        LowValues = Next(low + "values", Low.Type == PartType.Plain ? lowCount * Low.NumberBytes : 0);
        Next("padding", -end & 7);
        if (end > int.MaxValue || Math.Max(Math.Max(Low.GroupSize, Salient.GroupSize), Columns) > PartLayout.MaximumWidth) return false;
        ByteCount = (int)end;
        Sections = sections;
        return true;
    }

    public void Write(Span<byte> blob)
    {
        blob[9] = (byte)Index;
        Low.Write(blob[20..]);
        if (IsMixed)
        {
            Salient.Write(blob[28..]);
            BinaryPrimitives.WriteInt32LittleEndian(blob[36..], SalientCount);
            BinaryPrimitives.WriteInt32LittleEndian(blob[40..], RowsPerBlock);
            BinaryPrimitives.WriteInt32LittleEndian(blob[44..], StreamBytes);
            Model.Write(blob[48..]);
        }

        Seal(blob, Version);
    }

    /// <summary>Reads and checks everything of the header but frame and shape.</summary>
    public static PackedHeader ReadBody(ReadOnlySpan<byte> blob, int rows, int columns, string where)
    {
        if (blob[8] != Version || blob[9] > (int)IndexEncoding.Coded || blob[10] != 0 || blob[11] != 0)
            throw BlobError.Damaged(where, $"header bytes 8 to 11 are {blob[8]}, {blob[9]}, {blob[10]}, {blob[11]}, expected version {Version}, an index encoding up to 2, 0, 0");
        var index = (IndexEncoding)blob[9];
        bool isMixed = index != IndexEncoding.None;
        if (isMixed && blob.Length < MixedBytes) throw BlobError.Damaged(where, $"has {blob.Length} bytes, a packed mixture has at least {MixedBytes}");
        var header = new PackedHeader
        {
            Rows = rows,
            Columns = columns,
            Low = PartLayout.Read(blob[20..], isMixed ? "low" : "only", where),
            Index = index,
            Salient = isMixed ? PartLayout.Read(blob[28..], "salient", where) : default,
            SalientCount = isMixed ? BinaryPrimitives.ReadInt32LittleEndian(blob[36..]) : 0,
            RowsPerBlock = isMixed ? BinaryPrimitives.ReadInt32LittleEndian(blob[40..]) : 0,
            StreamBytes = isMixed ? BinaryPrimitives.ReadInt32LittleEndian(blob[44..]) : 0,
            Model = index == IndexEncoding.Coded ? MaskModelParameters.Read(blob[48..], where) : default,
        };
        header.Check(blob, where);
        return header;
    }

    private void Check(ReadOnlySpan<byte> blob, string where)
    {
        if (IsMixed)
        {
            if (SalientCount < 0 || SalientCount > (long)Rows * Columns) throw BlobError.Damaged(where, $"{SalientCount} salient weights do not fit [{Rows}, {Columns}]");
            if (RowsPerBlock < 1) throw BlobError.Damaged(where, $"{RowsPerBlock} rows per block, expected at least 1");
            if (StreamBytes < 0 || (Index != IndexEncoding.Coded && StreamBytes != 0)) throw BlobError.Damaged(where, $"{StreamBytes} bytes of coded index do not fit the encoding {Index}");
            if (Index == IndexEncoding.Coded && RowsPerBlock % Model.Lanes != 0) throw BlobError.Damaged(where, $"{RowsPerBlock} rows per block are no multiple of {Model.Lanes} lanes");
            if (blob[(Index == IndexEncoding.Coded ? 54 : 48)..MixedBytes].ContainsAnyExcept((byte)0)) throw BlobError.Damaged(where, "unused header bytes are not zero");
        }
        else if (blob[28..SingleBytes].ContainsAnyExcept((byte)0))
        {
            throw BlobError.Damaged(where, "unused header bytes are not zero");
        }

        if (!TryPlace() || ByteCount != blob.Length) throw BlobError.Damaged(where, $"has {blob.Length} bytes, its header implies {ByteCount}");
    }
}
