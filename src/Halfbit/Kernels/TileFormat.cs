using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Matrices laid out to run: what precedes the bytes of a <see cref="TiledMatrix"/> in a file, and how they are opened again. FORMAT.md beside this file has every byte.</summary>
internal static unsafe class TileFormat
{
    /// <summary>All before the records, <see cref="TiledMatrix.Memory"/>, which follow it: its length is a multiple of 64, and so is theirs.</summary>
    /// <exception cref="NumericsException">Both together have 2³¹ bytes or more.</exception>
    public static byte[] Head(TiledMatrix matrix)
    {
        byte[] description = TileDescription.Write(matrix.Strips, matrix.Sections, matrix.RowScales);
        bool hasLengths = matrix.Strips.Any(s => s is MixedStrip);
        int records = matrix.Tiles * matrix.Strips.Length;
        int lengthsAt = TileHeader.Bytes + description.Length;
        int recordsAt = TiledMatrix.LinesOf(lengthsAt + (hasLengths ? sizeof(int) * records : 0)) * TiledMatrix.Line;
        long bytes = recordsAt + matrix.ByteCount;
        if (bytes > int.MaxValue) throw new NumericsException($"a matrix [{matrix.Rows}, {matrix.Columns}] needs {bytes} bytes laid out, more than 2^31 - 1; leave it as it is");
        var head = new byte[recordsAt];
        description.CopyTo(head, TileHeader.Bytes);
        for (int k = 0; k < records && hasLengths; k++) BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(lengthsAt + (sizeof(int) * k)), matrix.LinesOfRecord(k));
        new TileHeader
        {
            Rows = matrix.Rows,
            Columns = matrix.Columns,
            Strips = matrix.Strips.Length,
            Sections = matrix.Sections.Length,
            DescriptionBytes = description.Length,
            HasLengths = hasLengths,
            RecordsAt = recordsAt,
            ByteCount = (int)bytes,
        }.Seal(head, matrix.Memory);
        return head;
    }

    /// <summary>Opens a matrix in a file.</summary>
    /// <param name="tensor">A one-dimensional U8 tensor.</param>
    /// <exception cref="CheckpointException">The tensor is something else, damaged, or of a newer version.</exception>
    public static TiledMatrix Open(MappedTensor tensor)
    {
        string where = $"{tensor.FilePath}: tensor '{tensor.Name}'";
        if (tensor.Type != ElementType.U8 || tensor.Shape.Count != 1 || tensor.ByteCount is < TileHeader.Bytes or > int.MaxValue)
            throw new CheckpointException($"{where} has type {tensor.Type} and shape {tensor.ShapeText}, tiles are U8 with one dimension of {TileHeader.Bytes} to 2^31 - 1; the tensor is not laid out to run");
        ReadOnlySpan<byte> blob = tensor.Bytes(0, (int)tensor.ByteCount);
        (TileLayout layout, int recordsAt) = Read(blob, where);
        fixed (byte* start = &MemoryMarshal.GetReference(blob)) return new TiledMatrix(layout, (nint)(start + recordsAt), null, tensor); // mapped pages stay where they are
    }

    /// <summary>Opens a matrix in memory.</summary>
    /// <param name="blob">Head and records; copied.</param>
    /// <param name="where">What messages call it.</param>
    /// <exception cref="CheckpointException">As for one in a file.</exception>
    public static TiledMatrix Open(ReadOnlySpan<byte> blob, string where)
    {
        (TileLayout layout, int recordsAt) = Read(blob, where);
        byte[] memory = GC.AllocateArray<byte>(blob.Length - recordsAt + TiledMatrix.Line, pinned: true);
        nint start = ((nint)Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0) + TiledMatrix.Line - 1) & ~(nint)(TiledMatrix.Line - 1);
        blob[recordsAt..].CopyTo(new Span<byte>((void*)start, blob.Length - recordsAt));
        return new TiledMatrix(layout, start, memory, null);
    }

    private static (TileLayout Layout, int RecordsAt) Read(ReadOnlySpan<byte> blob, string where)
    {
        TileHeader header = TileHeader.Read(blob, where);
        int lengthsAt = TileHeader.Bytes + header.DescriptionBytes;
        (Strip[] strips, ColumnRange[] sections, RowScales? rowScales) = TileDescription.Read(blob[TileHeader.Bytes..lengthsAt], header, where);
        bool hasMixed = strips.Any(s => s is MixedStrip);
        if (hasMixed != header.HasLengths) throw TileHeader.Damaged(where, "lengths of records are there without need, or missing");
        int end = lengthsAt + (hasMixed ? sizeof(int) * header.Tiles * strips.Length : 0);
        if (blob[end..header.RecordsAt].ContainsAnyExcept((byte)0)) throw TileHeader.Damaged(where, "padding bytes are not zero");
        var layout = new TileLayout(header.Rows, header.Columns, strips, sections, rowScales)
        {
            Lines = Lines(blob[lengthsAt..end], header, strips, sections, where),
        };
        if (layout.TotalLines * TiledMatrix.Line != header.ByteCount - header.RecordsAt)
            throw TileHeader.Damaged(where, $"records and row scales take {layout.TotalLines * TiledMatrix.Line} bytes, {header.ByteCount - header.RecordsAt} are there");
        if (hasMixed) CheckLists(blob[header.RecordsAt..], layout, where);
        return (layout, header.RecordsAt);
    }

    private static int[] Lines(ReadOnlySpan<byte> lengths, in TileHeader header, Strip[] strips, ColumnRange[] sections, string where)
    {
        int most = (header.ByteCount - header.RecordsAt) / TiledMatrix.Line;
        var lines = new int[(header.Tiles * strips.Length) + 1];
        int k = 0;
        foreach (ColumnRange section in sections)
        {
            for (int tile = 0; tile < header.Tiles; tile++)
            {
                for (int s = section.Start; s < section.End; s++, k++)
                {
                    int count = TiledMatrix.LinesOf(strips[s].ByteCount);
                    if (!lengths.IsEmpty)
                    {
                        int stored = BinaryPrimitives.ReadInt32LittleEndian(lengths[(sizeof(int) * k)..]);
                        if (stored < count || (strips[s] is not MixedStrip && stored != count)) throw TileHeader.Damaged(where, $"record {k} has {stored} lines of {TiledMatrix.Line} bytes, {count} are needed");
                        count = stored;
                    }

                    if (count > most - lines[k]) throw TileHeader.Damaged(where, $"record {k} ends beyond the tensor");
                    lines[k + 1] = lines[k] + count;
                }
            }
        }

        return lines;
    }

    /// <summary>The only numbers in records that say where others are.</summary>
    private static void CheckLists(ReadOnlySpan<byte> records, TileLayout layout, string where)
    {
        fixed (byte* start = &MemoryMarshal.GetReference(records))
        {
            int k = 0;
            foreach (ColumnRange section in layout.Sections)
            {
                for (int tile = 0; tile < layout.Tiles; tile++)
                {
                    for (int s = section.Start; s < section.End; s++, k++)
                    {
                        if (layout.Strips[s] is not MixedStrip mixed) continue;
                        byte* record = start + ((nint)layout.Lines[k] * TiledMatrix.Line);
                        int bytes = (layout.Lines[k + 1] - layout.Lines[k]) * TiledMatrix.Line;
                        string? problem = SalientCodes.Problem(record, bytes - mixed.ByteCount, mixed.Columns.Length);
                        if (problem is null && TiledMatrix.LinesOf(mixed.ByteCount + SalientCodes.ByteCount(record)) * TiledMatrix.Line != bytes)
                            problem = $"{mixed.ByteCount + SalientCodes.ByteCount(record)} bytes are used of {bytes}";
                        if (problem is not null) throw TileHeader.Damaged(where, $"record {k}: {problem}");
                    }
                }
            }
        }
    }
}
