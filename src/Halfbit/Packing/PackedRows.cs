using System.Numerics;

namespace Halfbit.Packing;

/// <summary>Expands single rows of a packed matrix.</summary>
internal readonly ref struct PackedRows
{
    private readonly PackedHeader header;
    private readonly ReadOnlySpan<byte> plane;
    private readonly ReadOnlySpan<byte> salientCodes;
    private readonly PartReader low;
    private readonly PartReader salient;

    public PackedRows(PackedHeader header, ReadOnlySpan<byte> blob)
    {
        this.header = header;
        plane = Section(blob, header.Plane);
        salientCodes = Section(blob, header.SalientCodes);
        low = new PartReader(header.Low, header.Columns, Section(blob, header.LowScales), Section(blob, header.LowSecond), Section(blob, header.LowValues));
        salient = new PartReader(header.Salient, header.Columns, Section(blob, header.SalientScales), Section(blob, header.SalientSecond), Section(blob, header.SalientValues));
    }

    public PartReader Low => low;

    public PartReader Salient => salient;

    /// <summary>Row <paramref name="i"/> of the dense plane.</summary>
    public ReadOnlySpan<byte> Plane(int i) => plane.Slice(i * header.PlaneRowBytes, header.PlaneRowBytes);

    /// <summary>The bits of salient codes that are not in the plane, for salient weights <paramref name="rank"/>, rank + 1, ….</summary>
    public void ReadSalientCodes(int rank, Span<byte> codes) => CodePacking.Read(salientCodes, (long)rank * header.RestBits, header.RestBits, codes);

    /// <summary>Row <paramref name="i"/> of a matrix that is no mixture.</summary>
    public void Expand(int i, PackingScratch scratch, Span<float> row)
    {
        if (low.Type == PartType.Plain)
        {
            for (int j = 0; j < row.Length; j++) row[j] = low.Value((i * row.Length) + j);
            return;
        }

        ExpandPlane(i, scratch, row);
    }

    /// <summary>Row <paramref name="i"/> of a mixture.</summary>
    /// <param name="i">Row.</param>
    /// <param name="mask">[words], set bits are salient.</param>
    /// <param name="rank">Salient weights in the rows before.</param>
    /// <param name="count">Salient weights of this row.</param>
    /// <param name="scratch">Buffers.</param>
    /// <param name="row">[columns].</param>
    public void ExpandMixed(int i, ReadOnlySpan<ulong> mask, int rank, int count, PackingScratch scratch, Span<float> row)
    {
        if (low.Type == PartType.Plain) ExpandLowValues(i, mask, rank, row);
        else ExpandPlane(i, scratch, row);
        if (count == 0) return;
        if (salient.Type is PartType.Sign or PartType.Grid)
        {
            ExpandSalientCodes(i, mask, rank, count, scratch, row);
            return;
        }

        int k = rank;
        for (int w = 0; w < mask.Length; w++)
        {
            for (ulong word = mask[w]; word != 0; word &= word - 1)
                row[(w * 64) + BitOperations.TrailingZeroCount(word)] = salient.Type == PartType.Plain ? salient.Value(k++) : 0f;
        }
    }

    private static ReadOnlySpan<byte> Section(ReadOnlySpan<byte> blob, PackedSection section) => blob.Slice(section.Offset, section.ByteCount);

    private void ExpandPlane(int i, PackingScratch scratch, Span<float> row)
    {
        switch (low.Type)
        {
            case PartType.Zero:
                row.Clear();
                break;
            case PartType.Sign:
                ReadOnlySpan<byte> signs = Plane(i);
                for (int g = 0, start = 0; g < low.Groups; g++, start += low.GroupSize)
                {
                    float mu = low.Mean(i, g);
                    float alpha = low.Scale(i, g);
                    RowExpansion.Signs(signs, start, mu + alpha, mu - alpha, row[start..Math.Min(row.Length, start + Math.Min(low.GroupSize, row.Length))]);
                }

                break;
            case PartType.Grid:
                Span<byte> codes = scratch.Codes(row.Length);
                CodePacking.Read(Plane(i), 0, low.Bits, codes);
                for (int g = 0, start = 0; g < low.Groups; g++, start += low.GroupSize)
                {
                    int end = Math.Min(row.Length, start + Math.Min(low.GroupSize, row.Length));
                    RowExpansion.Grid(codes[start..end], low.Scale(i, g), low.Zero(i, g), row[start..end]);
                }

                break;
        }
    }

    private void ExpandLowValues(int i, ReadOnlySpan<ulong> mask, int rank, Span<float> row)
    {
        int k = (i * row.Length) - rank;
        for (int j = 0; j < row.Length; j++)
        {
            if ((mask[j >> 6] >> (j & 63) & 1) == 0) row[j] = low.Value(k++);
        }
    }

    private void ExpandSalientCodes(int i, ReadOnlySpan<ulong> mask, int rank, int count, PackingScratch scratch, Span<float> row)
    {
        Span<byte> rests = scratch.SalientCodes(count);
        ReadSalientCodes(rank, rests);
        ReadOnlySpan<byte> signs = header.PlaneBits == 1 ? Plane(i) : [];
        Span<byte> codes = header.PlaneBits > 1 ? scratch.Codes(row.Length) : [];
        if (header.PlaneBits > 1) CodePacking.Read(Plane(i), 0, header.PlaneBits, codes);
        bool isSign = salient.Type == PartType.Sign;
        int groupEnd = 0;
        int g = -1;
        int zero = 0;
        float scale = 0;
        float mu = 0;
        int k = 0;
        for (int w = 0; w < mask.Length; w++)
        {
            for (ulong word = mask[w]; word != 0; word &= word - 1)
            {
                int j = (w * 64) + BitOperations.TrailingZeroCount(word);
                if (j >= groupEnd)
                {
                    g = j / salient.GroupSize;
                    groupEnd = (int)Math.Min(((long)g + 1) * salient.GroupSize, int.MaxValue);
                    scale = salient.Scale(i, g);
                    if (isSign) mu = salient.Mean(i, g);
                    else zero = salient.Zero(i, g);
                }

                int shared = header.PlaneBits switch
                {
                    0 => 0,
                    1 => signs[j >> 3] >> (j & 7) & 1,
                    _ => codes[j],
                };
                int code = (shared << header.RestBits) | rests[k++];
                row[j] = !isSign ? scale * (code - zero) : code != 0 ? mu + scale : mu - scale;
            }
        }
    }
}
