using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>Expands rows of a packed matrix of grouped signs.</summary>
internal readonly ref struct GroupedRows
{
    private readonly GroupedHeader header;
    private readonly ReadOnlySpan<byte> blob;
    private readonly GroupedScratch scratch;
    private readonly string where;
    private readonly long identity;
    private readonly int words;

    /// <summary>A packed matrix.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="blob">Its bytes.</param>
    /// <param name="identity">Distinguishes matrices in the thread's buffers.</param>
    /// <param name="where">File and tensor, for messages.</param>
    public GroupedRows(GroupedHeader header, ReadOnlySpan<byte> blob, long identity, string where)
    {
        this.header = header;
        this.blob = blob;
        this.identity = identity;
        this.where = where;
        scratch = GroupedScratch.Current;
        words = (header.Columns + 63) / 64;
    }

    /// <summary>Rows <paramref name="firstRow"/>, firstRow + 1, ….</summary>
    /// <exception cref="Halfbit.Checkpoints.CheckpointException">The masks contradict themselves.</exception>
    public void Read(int firstRow, MatrixView<float> destination)
    {
        PrepareBetas();
        for (int r = 0; r < destination.Rows;)
        {
            int block = (firstRow + r) / header.RowsPerBlock;
            int start = firstRow + r - (block * header.RowsPerBlock);
            int count = Math.Min(destination.Rows - r, header.RowsPerBlock - start);
            GroupedBlock loaded = Load(block, start + count);
            for (int k = start; k < start + count; k++, r++) Expand(loaded, k, destination.Row(r));
        }
    }

    /// <summary>Brings the first rows of a block into the thread's buffers.</summary>
    public GroupedBlock Load(int block, int rows) => GroupedBlock.Load(header, blob, identity, block, rows, scratch, where);

    /// <summary>The first signs of row <paramref name="k"/> of a block; cleared where nothing is kept.</summary>
    public ReadOnlySpan<ulong> Signs(GroupedBlock block, int k)
    {
        Span<ulong> signs = scratch.Signs(words);
        long bit = header.HasEvenRows ? 8L * (block.FirstRow + k) * header.SignRowBytes : block.KeptRanks[k];
        BitPacking.Expand(blob.Slice(header.Signs.Offset, header.Signs.ByteCount), bit, block.Keep.Slice(k * words, words), signs);
        return signs;
    }

    /// <summary>The second signs of row <paramref name="k"/> of a block; cleared where there are none.</summary>
    public ReadOnlySpan<ulong> SecondSigns(GroupedBlock block, int k)
    {
        Span<ulong> second = scratch.SecondSigns(words);
        Span<ulong> members = scratch.SecondMembers(words);
        members.Clear();
        for (int g = 0; g < header.Groups.Length; g++)
        {
            if (header.Groups[g].Planes != 2) continue;
            ReadOnlySpan<ulong> some = block.Members(g).Slice(k * words, words);
            for (int w = 0; w < members.Length; w++) members[w] |= some[w];
        }

        BitPacking.Expand(blob.Slice(header.SecondSigns.Offset, header.SecondSigns.ByteCount), block.SecondRanks[k], members, second);
        return second;
    }

    /// <summary>A table of numbers that starts at a byte of the matrix.</summary>
    public NumberTable Table(int offset, ScaleFormat format) => new(blob[offset..], format);

    private void Expand(GroupedBlock block, int k, Span<float> row)
    {
        ReadOnlySpan<ulong> signs = Signs(block, k);
        ReadOnlySpan<ulong> second = header.HasSecond ? SecondSigns(block, k) : [];
        int i = block.FirstRow + k;
        if (header.Keep != KeepEncoding.All) row.Clear();
        for (int g = 0; g < header.Groups.Length; g++)
        {
            (GroupLayout layout, GroupPlace place, ColumnKind kind) = (header.Groups[g], header.Places[g], header.KindOfGroup(g));
            NumberTable alpha = Table(place.Alpha, layout.Alpha);
            NumberTable secondAlpha = Table(place.SecondAlpha, layout.Alpha);
            NumberTable mu = Table(place.Mu, layout.Mu ?? default);
            ReadOnlySpan<ulong> members = block.Members(g).Slice(k * words, words);
            bool hasSecond = layout.Planes == 2;
            ReadOnlySpan<float> beta = layout.Beta is null ? [] : Betas(g, 0);
            ReadOnlySpan<float> secondBeta = layout.Beta is null || !hasSecond ? [] : Betas(g, 1);
            for (int n = 0; n < kind.BlockCount; n++)
            {
                int at = (i * kind.BlockCount) + n;
                var scales = new GroupScales(layout.Mu is null ? -0f : mu[at], alpha[at], hasSecond ? secondAlpha[at] : 0f, hasSecond);
                long start = (long)kind.Block(n) * header.BlockWidth;
                int end = (int)Math.Min(row.Length, start + header.BlockWidth);
                GroupExpansion.Expand(members, signs, second, scales, beta, secondBeta, (int)start, end, row);
            }
        }
    }

    private Span<float> Betas(int group, int plane) => scratch.Betas(header.Groups.Length * 2 * header.Columns).Slice(((group * 2) + plane) * header.Columns, header.Columns);

    /// <summary>Column scales in single precision, one per column of the matrix, once per matrix and thread.</summary>
    private void PrepareBetas()
    {
        if (header.Beta.ByteCount == 0 || scratch.BetasOf == identity) return;
        scratch.BetasOf = 0;
        for (int g = 0; g < header.Groups.Length; g++)
        {
            if (header.Groups[g].Beta is not ScaleFormat format) continue;
            ColumnKind kind = header.KindOfGroup(g);
            for (int k = 0; k < header.Groups[g].Planes; k++)
            {
                NumberTable table = Table(k == 0 ? header.Places[g].Beta : header.Places[g].SecondBeta, format);
                Span<float> betas = Betas(g, k);
                betas.Clear();
                for (int n = 0; n < kind.Count; n++) betas[kind.Column(n)] = table[n];
            }
        }

        scratch.BetasOf = identity;
    }
}
