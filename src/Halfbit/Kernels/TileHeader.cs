using System.Buffers.Binary;
using Halfbit.Checkpoints;
using Halfbit.Packing;

namespace Halfbit.Kernels;

/// <summary>The first 64 bytes of a matrix laid out to run; see FORMAT.md beside this file.</summary>
internal readonly record struct TileHeader
{
    /// <summary>Bytes of the header.</summary>
    public const int Bytes = 64;

    /// <summary>The version that this program writes, and the newest that it reads.</summary>
    public const int Version = 1;

    private const uint Magic = 0x4C54_4248; // "HBTL"
    private const int MostColumns = 1 << 30;

    /// <summary>Rows of the matrix.</summary>
    public required int Rows { get; init; }

    /// <summary>Columns of the matrix.</summary>
    public required int Columns { get; init; }

    /// <summary>Number of strips.</summary>
    public required int Strips { get; init; }

    /// <summary>Number of sections.</summary>
    public required int Sections { get; init; }

    /// <summary>Bytes of the description that follows the header.</summary>
    public required int DescriptionBytes { get; init; }

    /// <summary>Whether the lengths of records follow the description.</summary>
    public required bool HasLengths { get; init; }

    /// <summary>Bytes before the first record, a multiple of 64.</summary>
    public required int RecordsAt { get; init; }

    /// <summary>Bytes of everything, a multiple of 64.</summary>
    public required int ByteCount { get; init; }

    /// <summary>Tiles of 128 rows.</summary>
    public int Tiles => (int)(((long)Rows + PlaneKernel.TileRows - 1) / PlaneKernel.TileRows);

    /// <summary>Whether bytes may be a matrix laid out to run.</summary>
    public static bool StartsWithMagic(ReadOnlySpan<byte> blob) => blob.Length >= Bytes && BinaryPrimitives.ReadUInt32LittleEndian(blob) == Magic;

    /// <summary>Writes the header, its checksum last: everything else must be in place.</summary>
    /// <param name="head">All before the records.</param>
    /// <param name="records">The records.</param>
    public void Seal(Span<byte> head, ReadOnlySpan<byte> records)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        head[8] = Version;
        head[9] = HasLengths ? (byte)1 : (byte)0;
        int at = 12;
        foreach (int number in (int[])[Rows, Columns, Strips, Sections, DescriptionBytes, RecordsAt, ByteCount])
        {
            BinaryPrimitives.WriteInt32LittleEndian(head[at..], number);
            at += sizeof(int);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], BlobChecksum.Of(head[8..], records));
    }

    /// <summary>Reads and checks the header of a whole matrix, its length and its checksum.</summary>
    /// <param name="blob">The matrix.</param>
    /// <param name="where">File and tensor, for messages.</param>
    /// <exception cref="CheckpointException">It is damaged or of a newer version.</exception>
    public static TileHeader Read(ReadOnlySpan<byte> blob, string where)
    {
        if (!StartsWithMagic(blob)) throw Damaged(where, $"has {blob.Length} bytes that do not start with 'HBTL' or are fewer than {Bytes}");
        if (blob[8] != Version)
        {
            throw blob[8] > Version
                ? new CheckpointException($"{where}: tiles of version {blob[8]}, this program reads version {Version}; update Halfbit or convert the model with this version")
                : Damaged(where, $"tiles of version {blob[8]}");
        }

        uint stored = BinaryPrimitives.ReadUInt32LittleEndian(blob[4..]);
        uint actual = BlobChecksum.Of(blob[8..]);
        if (stored != actual) throw Damaged(where, $"the checksum is {actual:x8}, the header says {stored:x8}");
        int Number(ReadOnlySpan<byte> blob, int place) => BinaryPrimitives.ReadInt32LittleEndian(blob[(12 + (sizeof(int) * place))..]);
        var header = new TileHeader
        {
            HasLengths = blob[9] == 1,
            Rows = Number(blob, 0),
            Columns = Number(blob, 1),
            Strips = Number(blob, 2),
            Sections = Number(blob, 3),
            DescriptionBytes = Number(blob, 4),
            RecordsAt = Number(blob, 5),
            ByteCount = Number(blob, 6),
        };
        if (blob[9] > 1 || blob[10..12].ContainsAnyExcept((byte)0) || blob[40..Bytes].ContainsAnyExcept((byte)0)) throw Damaged(where, "bytes of the header that mean nothing are not zero");
        header.Check(blob.Length, where);
        return header;
    }

    /// <summary>The exception for a matrix that cannot be used.</summary>
    public static CheckpointException Damaged(string where, string what) => new($"{where}: {what}; the tiles are damaged, fetch or convert the model again");

    private void Check(int length, string where)
    {
        if (Rows < 1 || Columns is < 1 or > MostColumns || (long)Rows * Columns > int.MaxValue)
            throw Damaged(where, $"the shape [{Rows}, {Columns}] is empty, wider than 2^30 or holds more than 2^31 - 1 weights");
        if (ByteCount != length || length % TiledMatrix.Line != 0) throw Damaged(where, $"has {length} bytes, the header says {ByteCount}, expected the same multiple of {TiledMatrix.Line}");
        long records = (long)Tiles * Strips;
        long head = Bytes + (long)DescriptionBytes + (HasLengths ? sizeof(int) * records : 0);
        if (Strips < 1 || Columns > (long)Strips * PlaneKernel.MostColumns || Sections < 1 || Sections > Strips || DescriptionBytes < 1 || RecordsAt > ByteCount || RecordsAt != (head + TiledMatrix.Line - 1) / TiledMatrix.Line * TiledMatrix.Line)
            throw Damaged(where, $"{Strips} strips in {Sections} sections, {DescriptionBytes} bytes about them and records at {RecordsAt} of {ByteCount} contradict each other");
        if (records > (ByteCount - RecordsAt) / TiledMatrix.Line) throw Damaged(where, $"{Strips} strips of {Tiles} tiles do not fit {ByteCount} bytes");
    }
}
