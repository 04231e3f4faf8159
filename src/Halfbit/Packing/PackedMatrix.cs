using Halfbit.Checkpoints;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>
/// A packed weight matrix [rows, columns], in memory or still in its file, expanded row by row on demand. Expanding gives bit for bit the values
/// that <see cref="QuantizedMatrix.ReadRows"/> gives for the matrix that was packed.
/// </summary>
public sealed class PackedMatrix : IWeightRows
{
    private static long created;
    private readonly byte[]? array;
    private readonly MappedTensor? tensor;
    private readonly BlobHeader header;
    private readonly string where;
    private readonly long identity = Interlocked.Increment(ref created);

    /// <summary>Opens a packed matrix in memory.</summary>
    /// <param name="blob">The bytes; kept, not copied, and not to be changed.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="CheckpointException">The bytes are damaged, or of a newer version.</exception>
    public PackedMatrix(byte[] blob, string name = "packed matrix")
    {
        ArgumentNullException.ThrowIfNull(blob);
        array = blob;
        where = name;
        header = Open();
    }

    /// <summary>Opens a packed matrix in a file. The whole tensor is read once to compare its checksum.</summary>
    /// <param name="tensor">A one-dimensional U8 tensor.</param>
    /// <exception cref="CheckpointException">The tensor is something else, damaged, or of a newer version.</exception>
    public PackedMatrix(MappedTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        this.tensor = tensor;
        where = $"{tensor.FilePath}: tensor '{tensor.Name}'";
        if (tensor.Type != ElementType.U8 || tensor.Shape.Count != 1 || tensor.ByteCount > int.MaxValue)
            throw new CheckpointException($"{where} has type {tensor.Type} and shape {tensor.ShapeText}, a packed matrix is U8 with one dimension below 2^31; the tensor is not packed");
        header = Open();
    }

    /// <inheritdoc/>
    public int Rows => header.Rows;

    /// <inheritdoc/>
    public int Columns => header.Columns;

    /// <summary>Bytes of the packed form, header and padding included.</summary>
    public int ByteCount => header.ByteCount;

    /// <summary>Bits per weight: 8 · <see cref="ByteCount"/> ÷ (rows · columns).</summary>
    public double TrueBits => 8.0 * ByteCount / ((double)Rows * Columns);

    /// <summary>What the bytes are spent on, in the order of the file; the lengths add up to <see cref="ByteCount"/>.</summary>
    public IReadOnlyList<PackedSection> Sections => header.Sections;

    /// <summary>How the positions of salient weights are stored; None when the matrix is no mixture.</summary>
    public IndexEncoding Index => (header as PackedHeader)?.Index ?? IndexEncoding.None;

    /// <summary>Number of salient weights of a mixture, else 0.</summary>
    public int SalientCount => (header as PackedHeader)?.SalientCount ?? 0;

    /// <summary>A few words for people: <c>sign</c>, <c>grid 4 bit</c>, <c>mixed sign + grid 8 bit</c>, <c>4:8 signs in 1 + 3 groups</c> (of salient and of other columns), …</summary>
    public string Format => header switch
    {
        GroupedHeader { HasPattern: true } grouped => $"{grouped.Pattern} {Describe(grouped)}",
        GroupedHeader grouped => Describe(grouped),
        PackedHeader { IsMixed: true } mixed => $"mixed {Describe(mixed.Low)} + {Describe(mixed.Salient)}",
        PackedHeader single => Describe(single.Low),
        _ => string.Empty,
    };

    internal ReadOnlySpan<byte> Blob => array ?? tensor!.Bytes(0, (int)tensor.ByteCount);

    /// <inheritdoc/>
    /// <exception cref="CheckpointException">The coded index contradicts itself (only possible where the checksum was made to fit).</exception>
    public void ReadRows(int firstRow, MatrixView<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Rows, Rows - firstRow, nameof(destination));
        if (destination.Columns != Columns) throw new ArgumentException($"the destination has {destination.Columns} columns, the matrix {Columns}", nameof(destination));
        if (this.header is GroupedHeader grouped)
        {
            new GroupedRows(grouped, Blob, identity, where).Read(firstRow, destination);
            return;
        }

        var header = (PackedHeader)this.header;
        var rows = new PackedRows(header, Blob);
        PackingScratch scratch = PackingScratch.Current;
        if (!header.IsMixed)
        {
            for (int r = 0; r < destination.Rows; r++) rows.Expand(firstRow + r, scratch, destination.Row(r));
            return;
        }

        int words = (Columns + 63) / 64;
        for (int r = 0; r < destination.Rows;)
        {
            int block = (firstRow + r) / header.RowsPerBlock;
            int start = firstRow + r - (block * header.RowsPerBlock);
            int count = Math.Min(destination.Rows - r, header.RowsPerBlock - start);
            LoadMask(block, start + count, scratch);
            ReadOnlySpan<ulong> masks = scratch.Masks((start + count) * words);
            ReadOnlySpan<int> ranks = scratch.Ranks(start + count + 1);
            for (int k = start; k < start + count; k++, r++)
                rows.ExpandMixed(firstRow + r, masks.Slice(k * words, words), ranks[k], ranks[k + 1] - ranks[k], scratch, destination.Row(r));
        }
    }

    /// <summary>The logical matrix that was packed. What a part of a mixture says at positions of the other part was not stored and becomes zero (signs: −1).</summary>
    /// <exception cref="CheckpointException">The coded index contradicts itself.</exception>
    public QuantizedMatrix Unpack()
        => header is GroupedHeader grouped ? GroupedUnpacker.Unpack(grouped, Blob, identity, where) : Unpacker.Unpack(this, (PackedHeader)header);

    internal void LoadMask(int block, int rows, PackingScratch scratch) => MaskRows.Load((PackedHeader)header, Blob, identity, block, rows, scratch, where);

    private static string Describe(PartLayout part) => part.Type switch
    {
        PartType.Sign => "sign",
        PartType.Grid => $"grid {part.Bits} bit",
        PartType.Plain => part.Format.IsHalf ? "F16" : "F32",
        _ => "zero",
    };

    private static string Describe(GroupedHeader grouped)
    {
        int others = grouped.Groups.Length - grouped.SalientGroups;
        string groups = grouped.SalientGroups > 0 ? $"{grouped.SalientGroups} + {others} groups" : others == 1 ? "1 group" : $"{others} groups";
        return $"signs in {groups}";
    }

    private BlobHeader Open()
    {
        BlobHeader read = BlobHeader.Read(Blob, where);
        if (read is PackedHeader { IsMixed: true } mixed) MaskRows.CheckOffsets(mixed, Blob, where);
        return read;
    }
}
