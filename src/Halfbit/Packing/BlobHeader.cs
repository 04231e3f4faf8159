using System.Buffers.Binary;
using Halfbit.Checkpoints;

namespace Halfbit.Packing;

/// <summary>What all packed matrices have in common: a frame of eight bytes with a checksum, a version, a shape, and sections whose lengths the header implies.</summary>
internal abstract record BlobHeader
{
    public const uint Magic = 0x4B50_4248; // "HBPK"

    /// <summary>The newest version that this program reads: grouped signs.</summary>
    public const int NewestVersion = 2;

    /// <summary>Bytes of the shortest header.</summary>
    public const int LeastBytes = 32;

    public required int Rows { get; init; }

    public required int Columns { get; init; }

    /// <summary>Bytes of everything, a multiple of 8.</summary>
    public int ByteCount { get; protected set; }

    /// <summary>All sections that hold something, header and final padding included, in the order of the file.</summary>
    public IReadOnlyList<PackedSection> Sections { get; protected set; } = [];

    /// <summary>Writes magic, version, shape and, last of all, the checksum: everything else must be in place.</summary>
    public void Seal(Span<byte> blob, int version)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(blob, Magic);
        blob[8] = (byte)version;
        BinaryPrimitives.WriteInt32LittleEndian(blob[12..], Rows);
        BinaryPrimitives.WriteInt32LittleEndian(blob[16..], Columns);
        BinaryPrimitives.WriteUInt32LittleEndian(blob[4..], BlobChecksum.Of(blob[8..]));
    }

    /// <summary>Reads and checks the header of a whole packed matrix, its length and its checksum.</summary>
    /// <param name="blob">The packed matrix.</param>
    /// <param name="where">File and tensor, for messages.</param>
    /// <exception cref="CheckpointException">It is damaged or of a newer version.</exception>
    public static BlobHeader Read(ReadOnlySpan<byte> blob, string where)
    {
        if (blob.Length < LeastBytes) throw BlobError.Damaged(where, $"has {blob.Length} bytes, a packed matrix has at least {LeastBytes}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(blob) != Magic) throw BlobError.Damaged(where, "does not start with 'HBPK'");
        if (blob[8] > NewestVersion) throw BlobError.Newer(where, blob[8]);
        uint stored = BinaryPrimitives.ReadUInt32LittleEndian(blob[4..]);
        uint actual = BlobChecksum.Of(blob[8..]);
        if (stored != actual) throw BlobError.Damaged(where, $"the checksum is {actual:x8}, the header says {stored:x8}");
        int rows = BinaryPrimitives.ReadInt32LittleEndian(blob[12..]);
        int columns = BinaryPrimitives.ReadInt32LittleEndian(blob[16..]);
        if (rows < 1 || columns is < 1 or > PartLayout.MaximumWidth || (long)rows * columns > int.MaxValue)
            throw BlobError.Damaged(where, $"the shape [{rows}, {columns}] is empty, wider than 2^30 or holds more than 2^31 - 1 weights");
        BlobHeader header = blob[8] == GroupedHeader.Version ? GroupedHeader.ReadBody(blob, rows, columns, where) : PackedHeader.ReadBody(blob, rows, columns, where);
        int end = header.Sections[^1].Name == "padding" ? header.Sections[^1].Offset : header.ByteCount;
        if (blob[end..].ContainsAnyExcept((byte)0)) throw BlobError.Damaged(where, "padding bytes are not zero");
        return header;
    }
}
