using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Halfbit.Packing;

/// <summary>The mask of one block of rows, brought into the scratch buffers of the calling thread: one bit per weight, and the number of salient weights before each row.</summary>
internal static class MaskRows
{
    /// <summary>Decodes the first rows of a block, unless the thread's buffers hold them already.</summary>
    /// <param name="header">The matrix.</param>
    /// <param name="blob">Its bytes.</param>
    /// <param name="identity">Distinguishes matrices in the thread's buffers.</param>
    /// <param name="block">Which block.</param>
    /// <param name="rows">Rows needed from the block's first on.</param>
    /// <param name="scratch">Receives [rows, words] masks and [rows + 1] ranks.</param>
    /// <param name="where">File and tensor, for messages.</param>
    /// <exception cref="Halfbit.Checkpoints.CheckpointException">The index contradicts its counts.</exception>
    public static void Load(PackedHeader header, ReadOnlySpan<byte> blob, long identity, int block, int rows, PackingScratch scratch, string where)
    {
        (long matrix, int cachedBlock, int cachedRows) = scratch.Cached;
        if (matrix == identity && cachedBlock == block && cachedRows >= rows) return;
        scratch.Cached = default;
        int words = (header.Columns + 63) / 64;
        int firstRow = block * header.RowsPerBlock;
        int blockRows = Math.Min(header.RowsPerBlock, header.Rows - firstRow);
        bool isWhole = rows == blockRows;
        Span<ulong> masks = scratch.Masks(checked(rows * words));
        if (header.Index == IndexEncoding.Bitmap) ReadBitmap(header, blob, firstRow, rows, masks, where);
        else Decode(header, blob, block, rows, blockRows, masks, scratch, where);

        Span<int> ranks = scratch.Ranks(rows + 1);
        int rank = SalientBefore(header, blob, block);
        int limit = block + 1 < header.Blocks ? SalientBefore(header, blob, block + 1) : header.SalientCount;
        ranks[0] = rank;
        for (int r = 0; r < rows; r++)
        {
            foreach (ulong word in masks.Slice(r * words, words)) rank += BitOperations.PopCount(word);
            ranks[r + 1] = rank;
        }

        if (rank > limit || (isWhole && rank != limit))
            throw BlobError.Damaged(where, $"rows {firstRow} to {firstRow + rows - 1} mark {rank - ranks[0]} salient weights, the index offsets say {limit - ranks[0]}");
        scratch.Cached = (identity, block, rows);
    }

    /// <summary>Checks that offsets never fall and stay inside their sections.</summary>
    public static void CheckOffsets(PackedHeader header, ReadOnlySpan<byte> blob, string where)
    {
        (int salient, int stream) = (0, 0);
        for (int block = 0; block <= header.Blocks; block++)
        {
            bool isEnd = block == header.Blocks;
            int nextSalient = isEnd ? header.SalientCount : SalientBefore(header, blob, block);
            int nextStream = isEnd ? header.StreamBytes : StreamStart(header, blob, block);
            int states = header.Index == IndexEncoding.Coded && block > 0
                ? 4 * Math.Min(header.Model.Lanes, header.Rows - ((block - 1) * header.RowsPerBlock))
                : 0;
            if (nextSalient < salient || nextSalient > header.SalientCount || nextStream < (long)stream + states || nextStream > header.StreamBytes)
                throw BlobError.Damaged(where, $"the offsets of index block {block} ({nextSalient} salient weights, byte {nextStream}) do not follow those before them or leave their sections");
            (salient, stream) = (nextSalient, nextStream);
        }
    }

    private static int SalientBefore(PackedHeader header, ReadOnlySpan<byte> blob, int block)
        => block == 0 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(blob[(header.BlockTable.Offset + ((block - 1) * (header.Index == IndexEncoding.Coded ? 8 : 4)))..]);

    private static int StreamStart(PackedHeader header, ReadOnlySpan<byte> blob, int block)
        => block == 0 || header.Index != IndexEncoding.Coded ? 0 : BinaryPrimitives.ReadInt32LittleEndian(blob[(header.BlockTable.Offset + ((block - 1) * 8) + 4)..]);

    private static void ReadBitmap(PackedHeader header, ReadOnlySpan<byte> blob, int firstRow, int rows, Span<ulong> masks, string where)
    {
        int words = (header.Columns + 63) / 64;
        int rowBytes = header.MaskRowBytes;
        ulong past = (header.Columns & 63) == 0 ? 0 : ulong.MaxValue << (header.Columns & 63);
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<byte> row = blob.Slice(header.IndexBytes.Offset + ((firstRow + r) * rowBytes), rowBytes);
            Span<ulong> target = masks.Slice(r * words, words);
            int w = 0;
            for (; (w + 1) * 8 <= rowBytes; w++) target[w] = BinaryPrimitives.ReadUInt64LittleEndian(row[(8 * w)..]);
            if (w < words)
            {
                ulong word = 0;
                for (int b = 8 * w; b < rowBytes; b++) word |= (ulong)row[b] << (8 * (b & 7));
                target[w] = word;
            }

            if ((target[^1] & past) != 0) throw BlobError.Damaged(where, $"the bitmap of row {firstRow + r} marks columns beyond {header.Columns}");
        }
    }

    private static void Decode(PackedHeader header, ReadOnlySpan<byte> blob, int block, int rows, int blockRows, Span<ulong> masks, PackingScratch scratch, string where)
    {
        MaskModelParameters model = header.Model;
        int words = (header.Columns + 63) / 64;
        int firstRow = block * header.RowsPerBlock;
        int start = StreamStart(header, blob, block);
        int end = block + 1 < header.Blocks ? StreamStart(header, blob, block + 1) : header.StreamBytes;
        Span<byte> columnClasses = scratch.ColumnClasses(header.Columns);
        CodePacking.Read(blob.Slice(header.ColumnClasses.Offset, header.ColumnClasses.ByteCount), 0, model.ColumnBits, columnClasses);
        ReadOnlySpan<byte> rowClasses = blob.Slice(header.RowClasses.Offset, header.RowClasses.ByteCount);
        Span<ushort> columnMasks = scratch.ColumnMasks(header.Columns);
        Span<uint> frequencies = scratch.Frequencies;
        var decoder = new MaskDecoder(blob.Slice(header.IndexBytes.Offset + start, end - start), scratch.States.AsSpan(0, Math.Min(model.Lanes, blockRows)));
        for (int group = 0; group < rows; group += model.Lanes)
        {
            // All rows of the group are decoded, even where fewer are wanted.
            int active = Math.Min(model.Lanes, blockRows - group);
            for (int l = 0; l < active; l++)
            {
                int i = firstRow + group + l;
                int rowClass = model.RowBits == 0 ? 0 : CodePacking.At(rowClasses, (long)i * model.RowBits, model.RowBits);
                for (int c = 0; c < 1 << model.ColumnBits; c++) frequencies[(c * MaskDecoder.MaximumLanes) + l] = model.Frequency(c, rowClass);
            }

            decoder.DecodeGroup(columnClasses, frequencies, active, [], columnMasks);
            int wanted = Math.Min(active, rows - group);
            Transpose(columnMasks, wanted, words, masks[(group * words)..]);
        }

        if (rows == blockRows && !decoder.IsAtEnd)
            throw BlobError.Damaged(where, $"the coded index of rows {firstRow} to {firstRow + rows - 1} does not end where its offsets say");
    }

    /// <summary>Column masks (bit l = row l) to row masks (bit j = column j).</summary>
    /// <param name="columnMasks">[columns].</param>
    /// <param name="rows">Rows wanted, at most 16.</param>
    /// <param name="words">Words per row.</param>
    /// <param name="masks">[rows, words].</param>
    internal static void Transpose(ReadOnlySpan<ushort> columnMasks, int rows, int words, Span<ulong> masks)
    {
        int w = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; (w + 1) * 64 <= columnMasks.Length; w++)
            {
                // lane k: column 64w + k (first) and 64w + 32 + k (second); the row's bit is shifted to the top of the lane
                Vector512<ushort> first = Vector512.Create(columnMasks[(64 * w)..]);
                Vector512<ushort> second = Vector512.Create(columnMasks[((64 * w) + 32)..]);
                for (int l = 0; l < rows; l++)
                    masks[(l * words) + w] = (first << (15 - l)).ExtractMostSignificantBits() | ((second << (15 - l)).ExtractMostSignificantBits() << 32);
            }
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            for (; (w + 1) * 64 <= columnMasks.Length; w++)
            {
                // lane k of v: column 64w + 16v + k
                for (int l = 0; l < rows; l++)
                {
                    ulong word = 0;
                    for (int v = 0; v < 4; v++)
                        word |= (ulong)(Vector256.Create(columnMasks[((64 * w) + (16 * v))..]) << (15 - l)).ExtractMostSignificantBits() << (16 * v);
                    masks[(l * words) + w] = word;
                }
            }
        }

        TransposeScalar(columnMasks, rows, words, w, masks);
    }

    /// <summary>The definition of <see cref="Transpose"/>, from word <paramref name="firstWord"/> on.</summary>
    internal static void TransposeScalar(ReadOnlySpan<ushort> columnMasks, int rows, int words, int firstWord, Span<ulong> masks)
    {
        for (int l = 0; l < rows; l++)
        {
            for (int w = firstWord; w < words; w++)
            {
                ulong word = 0;
                for (int j = 64 * w; j < Math.Min(columnMasks.Length, 64 * (w + 1)); j++) word |= (ulong)(columnMasks[j] >> l & 1) << (j & 63);
                masks[(l * words) + w] = word;
            }
        }
    }
}
