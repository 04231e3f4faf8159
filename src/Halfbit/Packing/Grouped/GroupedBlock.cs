using System.Numerics;

namespace Halfbit.Packing;

/// <summary>Who belongs where in one block of rows, brought into the scratch buffers of the calling thread: kept weights and members of each group, one bit per weight.</summary>
internal readonly ref struct GroupedBlock
{
    /// <summary>Rows side by side where nothing is coded.</summary>
    private const int UncodedStep = 16;

    private readonly GroupedHeader header;
    private readonly ReadOnlySpan<byte> blob;
    private readonly GroupedScratch scratch;
    private readonly string where;
    private readonly int block;
    private readonly int words;

    private GroupedBlock(GroupedHeader header, ReadOnlySpan<byte> blob, int block, GroupedScratch scratch, string where)
    {
        this.header = header;
        this.blob = blob;
        this.block = block;
        this.scratch = scratch;
        this.where = where;
        words = (header.Columns + 63) / 64;
        FirstRow = block * header.RowsPerBlock;
        Rows = Math.Min(header.RowsPerBlock, header.Rows - FirstRow);
    }

    /// <summary>First row of the block.</summary>
    public int FirstRow { get; }

    /// <summary>Rows of the block.</summary>
    public int Rows { get; }

    /// <summary>[rows, words]; the members of a group among the rows that are loaded.</summary>
    public Span<ulong> Members(int g) => scratch.Members(checked(header.Groups.Length * Rows * words)).Slice(g * Rows * words, Rows * words);

    /// <summary>[rows, words]; the kept weights.</summary>
    public Span<ulong> Keep => scratch.Keep(checked(Rows * words));

    /// <summary>[rows + 1]; kept weights of the matrix before each row; only where rows are uneven.</summary>
    public Span<int> KeptRanks => scratch.KeptRanks(Rows + 1);

    /// <summary>[rows + 1]; second signs of the matrix before each row.</summary>
    public Span<int> SecondRanks => scratch.SecondRanks(Rows + 1);

    /// <summary>Decodes the first rows of a block, unless the thread's buffers hold them already; goes on where it left off.</summary>
    /// <param name="header">The matrix.</param>
    /// <param name="blob">Its bytes.</param>
    /// <param name="identity">Distinguishes matrices in the thread's buffers.</param>
    /// <param name="block">Which block.</param>
    /// <param name="rows">Rows needed from the block's first on.</param>
    /// <param name="scratch">Receives them.</param>
    /// <param name="where">File and tensor, for messages.</param>
    /// <exception cref="Halfbit.Checkpoints.CheckpointException">Positions, masks and ends contradict each other.</exception>
    public static GroupedBlock Load(GroupedHeader header, ReadOnlySpan<byte> blob, long identity, int block, int rows, GroupedScratch scratch, string where)
    {
        var loaded = new GroupedBlock(header, blob, block, scratch, where);
        (long matrix, int cachedBlock, int done) = scratch.Cached;
        bool isCached = matrix == identity && cachedBlock == block;
        if (isCached && done >= rows) return loaded;
        scratch.Cached = default;
        int reached = loaded.Decode(isCached ? done : 0, rows);
        scratch.Cached = (identity, block, reached);
        return loaded;
    }

    private int Decode(int done, int rows)
    {
        MaskDecoder decoder = Decoder(done);
        if (done == 0)
        {
            KeptRanks[0] = block == 0 || header.KeptEnds.Length == 0 ? 0 : header.KeptEnds[block - 1];
            SecondRanks[0] = header.SecondEnds.Length == 0 ? FirstRow * header.SecondPerRow : block == 0 ? 0 : header.SecondEnds[block - 1];
        }

        int step = header.Lanes > 0 ? header.Lanes : UncodedStep;
        for (; done < rows; done += step)
        {
            int active = Math.Min(step, Rows - done);
            DecodeRows(ref decoder, done, active);
            Count(done, active);
        }

        done = Math.Min(done, Rows);
        scratch.Position = decoder.Position;
        if (done == Rows && header.Lanes > 0 && !decoder.IsAtEnd)
            throw BlobError.Damaged(where, $"the coded masks of rows {FirstRow} to {FirstRow + Rows - 1} do not end where their block does");
        return done;
    }

    private MaskDecoder Decoder(int done)
    {
        if (header.Lanes == 0) return default;
        int start = block == 0 ? 0 : header.StreamEnds[block - 1];
        ReadOnlySpan<byte> stream = blob.Slice(header.Stream.Offset + start, header.StreamEnds[block] - start);
        Span<uint> states = scratch.States.AsSpan(0, Math.Min(header.Lanes, Rows));
        return done == 0 ? new MaskDecoder(stream, states) : new MaskDecoder(stream, states, scratch.Position);
    }

    private void DecodeRows(ref MaskDecoder decoder, int done, int active)
    {
        Span<ulong> keep = Keep.Slice(done * words, active * words);
        bool hasMarks = false;
        foreach (ColumnKind kind in header.Kinds) hasMarks |= kind.Order.Length > 1;
        Span<ushort> lanes = header.Keep != KeepEncoding.All && (hasMarks || header.Keep == KeepEncoding.Coded) ? scratch.KeptLanes(header.Columns) : [];
        int mask = 0;
        if (header.Keep == KeepEncoding.Coded)
        {
            DecodeMask(ref decoder, mask++, FirstRow + done, active, [], lanes);
            MaskRows.Transpose(lanes, active, words, keep);
        }
        else
        {
            for (int r = 0; r < active; r++) ReadKept(FirstRow + done + r, keep.Slice(r * words, words));
            if (!lanes.IsEmpty) RowLanes.Of(keep, active, words, lanes);
        }

        foreach (ColumnKind kind in header.Kinds)
        {
            DecodeMarks(ref decoder, kind, mask, done, active, lanes);
            mask += Math.Max(0, kind.Order.Length - 1);
        }
    }

    private void ReadKept(int i, Span<ulong> row)
    {
        switch (header.Keep)
        {
            case KeepEncoding.All:
                row.Clear();
                foreach (ColumnKind kind in header.Kinds)
                {
                    for (int w = 0; w < row.Length; w++) row[w] |= kind.Words[w];
                }

                break;
            case KeepEncoding.Runs:
                RunCode runs = header.Runs!;
                if (!runs.TryRead(blob.Slice(header.KeptPositions.Offset, header.KeptPositions.ByteCount), (long)i * runs.RowBits, row))
                    throw BlobError.Damaged(where, $"the kept positions of row {i} are no {header.Pattern} pattern");
                break;
            default:
                int rowBytes = (int)CodePacking.ByteCount(header.Columns, 1);
                ReadOnlySpan<byte> bitmap = blob.Slice(header.KeptPositions.Offset + (i * rowBytes), rowBytes);
                for (int w = 0; w < row.Length; w++) row[w] = BitPacking.Read(bitmap, 64L * w, 64);
                if ((header.Columns & 63) != 0 && row[^1] >> (header.Columns & 63) != 0) throw BlobError.Damaged(where, $"the bitmap of row {i} marks columns beyond {header.Columns}");
                break;
        }
    }

    /// <summary>Tells the groups of one kind of column apart.</summary>
    private void DecodeMarks(ref MaskDecoder decoder, ColumnKind kind, int mask, int done, int active, ReadOnlySpan<ushort> kept)
    {
        if (kind.Order.Length == 0) return;
        Span<ulong> last = Members(kind.Order[^1]).Slice(done * words, active * words);
        ReadOnlySpan<ulong> keep = Keep.Slice(done * words, active * words);
        for (int r = 0; r < active; r++)
        {
            for (int w = 0; w < words; w++) last[(r * words) + w] = keep[(r * words) + w] & kind.Words[w];
        }

        if (kind.Order.Length == 1) return;
        Span<ushort> valid = scratch.Valid(kind.Count);
        for (int n = 0; n < valid.Length; n++) valid[n] = kept.IsEmpty ? (ushort)((1 << active) - 1) : kept[kind.Column(n)];
        Span<ushort> columnMasks = scratch.ColumnMasks(header.Columns);
        Span<ushort> decoded = kind.Columns is null ? columnMasks : scratch.Decoded(kind.Count);
        for (int k = 0; k + 1 < kind.Order.Length; k++)
        {
            DecodeMask(ref decoder, mask + k, FirstRow + done, active, k == 0 && kept.IsEmpty ? [] : valid, decoded);
            for (int n = 0; n < valid.Length; n++) valid[n] = (ushort)(valid[n] & ~decoded[n]);
            if (kind.Columns is int[] columns)
            {
                columnMasks.Clear();
                for (int n = 0; n < columns.Length; n++) columnMasks[columns[n]] = decoded[n];
            }

            Span<ulong> members = Members(kind.Order[k]).Slice(done * words, active * words);
            MaskRows.Transpose(columnMasks, active, words, members);
            for (int w = 0; w < members.Length; w++) last[w] &= ~members[w];
        }
    }

    private void DecodeMask(ref MaskDecoder decoder, int mask, int firstRow, int active, ReadOnlySpan<ushort> valid, Span<ushort> columnMasks)
    {
        MaskModelParameters model = header.Masks[mask].Model;
        (int columnsAt, int rowsAt) = header.ClassOffsets[mask];
        Span<byte> columnClasses = scratch.ColumnClasses(columnMasks.Length);
        CodePacking.Read(blob[columnsAt..rowsAt], 0, model.ColumnBits, columnClasses);
        Span<uint> frequencies = scratch.Frequencies;
        for (int l = 0; l < active; l++)
        {
            int rowClass = model.RowBits == 0 ? 0 : CodePacking.At(blob[rowsAt..], (long)(firstRow + l) * model.RowBits, model.RowBits);
            for (int c = 0; c < 1 << model.ColumnBits; c++) frequencies[(c * MaskDecoder.MaximumLanes) + l] = model.Frequency(c, rowClass);
        }

        decoder.DecodeGroup(columnClasses, frequencies, active, valid, columnMasks);
    }

    /// <summary>Where the signs of the next rows start.</summary>
    private void Count(int done, int active)
    {
        for (int r = done; r < done + active; r++)
        {
            int kept = CountOf(Keep.Slice(r * words, words));
            if (header.HasPattern && kept != header.KeptPerRow) throw BlobError.Damaged(where, $"row {FirstRow + r} keeps {kept} weights, a pattern of {header.Pattern} keeps {header.KeptPerRow}");
            if (!header.HasEvenRows) KeptRanks[r + 1] = KeptRanks[r] + kept;
            int second = 0;
            for (int g = 0; g < header.Groups.Length; g++)
            {
                if (header.Groups[g].Planes == 2) second += CountOf(Members(g).Slice(r * words, words));
            }

            SecondRanks[r + 1] = SecondRanks[r] + second;
        }

        bool isEnd = done + active == Rows;
        if (!header.HasEvenRows) Compare(KeptRanks[done + active], header.KeptEnds[block], isEnd, "kept weights");
        if (header.SecondEnds.Length > 0) Compare(SecondRanks[done + active], header.SecondEnds[block], isEnd, "second signs");
    }

    private void Compare(int rank, int end, bool isEnd, string what)
    {
        if (rank > end || (isEnd && rank != end)) throw BlobError.Damaged(where, $"rows from {FirstRow} on reach {rank} {what}, their block ends at {end}");
    }

    private static int CountOf(ReadOnlySpan<ulong> bits)
    {
        int count = 0;
        foreach (ulong word in bits) count += BitOperations.PopCount(word);
        return count;
    }
}
