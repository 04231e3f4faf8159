using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>The inverse of <see cref="Packer"/>.</summary>
internal static class Unpacker
{
    public static QuantizedMatrix Unpack(PackedMatrix packed, PackedHeader header)
    {
        var rows = new PackedRows(header, packed.Blob);
        if (!header.IsMixed)
        {
            var all = new Codes(header.Low, header.Rows, header.Columns);
            var row = new byte[header.Columns];
            for (int i = 0; i < header.Rows && all.HasCodes; i++)
            {
                CodePacking.Read(rows.Plane(i), 0, header.PlaneBits, row);
                for (int j = 0; j < row.Length; j++) all.Set(i, j, row[j]);
            }

            for (int k = 0; k < all.Values.Length; k++) all.Values[k] = rows.Low.Value(k);
            return Build(rows.Low, header.Low, all);
        }

        return UnpackMixed(packed, header, rows);
    }

    private static MixedMatrix UnpackMixed(PackedMatrix packed, PackedHeader header, PackedRows rows)
    {
        var mask = new BitMatrix(header.Rows, header.Columns);
        var low = new Codes(header.Low, header.Rows, header.Columns);
        var salient = new Codes(header.Salient, header.Rows, header.Columns);
        var plane = new byte[header.Columns];
        var rests = new byte[header.Columns];
        PackingScratch scratch = PackingScratch.Current;
        int lowRank = 0;
        for (int i = 0; i < header.Rows; i++)
        {
            int block = i / header.RowsPerBlock;
            int k = i % header.RowsPerBlock;
            int loaded = Math.Min(header.RowsPerBlock, header.Rows - (block * header.RowsPerBlock));
            packed.LoadMask(block, loaded, scratch);
            Span<ulong> words = mask.Row(i);
            scratch.Masks(loaded * mask.WordsPerRow).Slice(k * mask.WordsPerRow, mask.WordsPerRow).CopyTo(words);
            int rank = scratch.Ranks(loaded + 1)[k];
            CodePacking.Read(rows.Plane(i), 0, header.PlaneBits, plane);
            rows.ReadSalientCodes(rank, rests.AsSpan(0, scratch.Ranks(loaded + 1)[k + 1] - rank));
            int inRow = 0;
            for (int j = 0; j < header.Columns; j++)
            {
                if (mask[i, j])
                {
                    salient.Set(i, j, (byte)((plane[j] << header.RestBits) | rests[inRow]));
                    if (header.Salient.Type == PartType.Plain) salient.Values[(i * header.Columns) + j] = rows.Salient.Value(rank + inRow);
                    inRow++;
                }
                else
                {
                    low.Set(i, j, plane[j]);
                    if (header.Low.Type == PartType.Plain) low.Values[(i * header.Columns) + j] = rows.Low.Value(lowRank++);
                }
            }
        }

        return new MixedMatrix(mask, Build(rows.Salient, header.Salient, salient), Build(rows.Low, header.Low, low));
    }

    private static QuantizedMatrix Build(PartReader reader, PartLayout layout, Codes codes)
    {
        int count = codes.Rows * reader.Groups;
        var scale = new float[count];
        float[]? mean = layout.Second == SecondTable.Means ? new float[count] : null;
        short[]? zero = layout.Second is SecondTable.PackedZeros or SecondTable.WideZeros ? new short[count] : null;
        for (int i = 0; i < codes.Rows; i++)
        {
            for (int g = 0; g < reader.Groups; g++)
            {
                int k = (i * reader.Groups) + g;
                scale[k] = reader.Scale(i, g);
                if (mean is not null) mean[k] = reader.Mean(i, g);
                if (zero is not null) zero[k] = (short)reader.Zero(i, g);
            }
        }

        return layout.Type switch
        {
            PartType.Sign => new SignMatrix(codes.Signs!, layout.GroupSize, scale, mean, layout.Format),
            PartType.Grid => new GridMatrix(codes.Rows, codes.Columns, layout.Bits, codes.Grid!, layout.GroupSize, scale, zero, layout.Format),
            PartType.Plain => new PlainMatrix(new Matrix(codes.Rows, codes.Columns, codes.Values), layout.Format),
            _ => new ZeroMatrix(codes.Rows, codes.Columns),
        };
    }

    /// <summary>The elements of one part while they are collected.</summary>
    private sealed class Codes(PartLayout layout, int rows, int columns)
    {
        public int Rows => rows;

        public int Columns => columns;

        public BitMatrix? Signs { get; } = layout.Type == PartType.Sign ? new BitMatrix(rows, columns) : null;

        public byte[]? Grid { get; } = layout.Type == PartType.Grid ? new byte[rows * columns] : null;

        public float[] Values { get; } = layout.Type == PartType.Plain ? new float[rows * columns] : [];

        public bool HasCodes => Signs is not null || Grid is not null;

        public void Set(int i, int j, byte code)
        {
            if (Signs is not null) Signs[i, j] = code != 0;
            if (Grid is not null) Grid[(i * columns) + j] = code;
        }
    }
}
