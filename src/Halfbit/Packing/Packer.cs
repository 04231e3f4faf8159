using System.Buffers.Binary;
using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>Turns a quantized matrix into bytes. The same matrix always gives the same bytes; FORMAT.md specifies them.</summary>
public static class Packer
{
    /// <summary>Packs a matrix.</summary>
    /// <param name="matrix">[rows, columns]; fewer than 2³¹ weights.</param>
    /// <param name="index">How to store the positions of salient weights; null: whatever is shortest. Only for mixtures.</param>
    /// <returns>The bytes that <see cref="PackedMatrix"/> reads.</returns>
    /// <exception cref="ArgumentException">A scale, mean or value is not exactly storable in its format, a code needs more bits than its grid has, or the matrix is too large.</exception>
    public static byte[] Pack(QuantizedMatrix matrix, IndexEncoding? index = null)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        if ((long)matrix.Rows * matrix.Columns > int.MaxValue)
            throw new ArgumentException($"[{matrix.Rows}, {matrix.Columns}] holds more than 2^31 - 1 weights", nameof(matrix));
        return matrix switch
        {
            MixedMatrix mixed => PackMixed(mixed, index),
            GroupedSignMatrix grouped => GroupedPacker.Pack(grouped),
            _ => PackSingle(matrix),
        };
    }

    /// <summary>Bits per weight of the packed form: 8 · bytes ÷ (rows · columns), with everything that is stored.</summary>
    /// <param name="matrix">The matrix; it is packed to be measured.</param>
    public static double TrueBits(QuantizedMatrix matrix)
    {
        byte[] blob = Pack(matrix);
        return 8.0 * blob.Length / ((double)matrix.Rows * matrix.Columns);
    }

    private static byte[] PackSingle(QuantizedMatrix matrix)
    {
        var header = new PackedHeader { Rows = matrix.Rows, Columns = matrix.Columns, Low = PartLayout.Of(matrix) };
        byte[] blob = Allocate(header);
        PartWriter.WriteTables(matrix, blob.AsSpan(header.LowScales.Offset), blob.AsSpan(header.LowSecond.Offset));
        WritePlane(header, blob, matrix, null, null);
        if (matrix is PlainMatrix plain) _ = PartWriter.WriteValues(plain, null, false, blob.AsSpan(header.LowValues.Offset));
        header.Write(blob);
        return blob;
    }

    private static byte[] PackMixed(MixedMatrix matrix, IndexEncoding? index)
    {
        BitMatrix mask = matrix.IsSalient;
        int rowsPerBlock = RowsPerBlock(matrix.Rows, matrix.Columns);
        CodedMask? coded = index == IndexEncoding.Bitmap ? null : Code(mask, rowsPerBlock);
        long bitmapBytes = (long)matrix.Rows * CodePacking.ByteCount(matrix.Columns, 1);
        if (coded is not null && index is null && CodedBytes(coded) >= bitmapBytes) coded = null;
        var header = new PackedHeader
        {
            Rows = matrix.Rows,
            Columns = matrix.Columns,
            Low = PartLayout.Of(matrix.Low),
            Salient = PartLayout.Of(matrix.Salient),
            Index = coded is null ? IndexEncoding.Bitmap : IndexEncoding.Coded,
            SalientCount = (int)mask.CountSet(),
            RowsPerBlock = rowsPerBlock,
            StreamBytes = coded?.Stream.Length ?? 0,
            Model = coded?.Model ?? default,
        };
        byte[] blob = Allocate(header);
        PartWriter.WriteTables(matrix.Low, blob.AsSpan(header.LowScales.Offset), blob.AsSpan(header.LowSecond.Offset));
        PartWriter.WriteTables(matrix.Salient, blob.AsSpan(header.SalientScales.Offset), blob.AsSpan(header.SalientSecond.Offset));
        WriteIndex(header, blob, mask, coded);
        WritePlane(header, blob, matrix.Low, matrix.Salient, mask);
        if (matrix.Salient is PlainMatrix salient) PartWriter.WriteValues(salient, mask, true, blob.AsSpan(header.SalientValues.Offset));
        if (matrix.Low is PlainMatrix low) PartWriter.WriteValues(low, mask, false, blob.AsSpan(header.LowValues.Offset));
        header.Write(blob);
        return blob;
    }

    /// <summary>Rows after which the index may be entered: enough that offsets and states cost little, few enough for tiles of 64 rows.</summary>
    internal static int RowsPerBlock(int rows, int columns)
    {
        int perBlock = 64;
        while (perBlock < rows && (long)perBlock * columns < 1 << 17) perBlock += 64;
        return perBlock;
    }

    /// <summary>Rows coded side by side. Each lane costs 3 bytes per block; below 2¹⁶ weights size matters more than speed.</summary>
    internal static int Lanes(int rows, int columns) => (long)rows * columns < 1 << 16 ? 4 : MaskDecoder.MaximumLanes;

    private static CodedMask Code(BitMatrix mask, int rowsPerBlock)
    {
        (MaskModelParameters model, byte[] columnClasses, byte[] rowClasses) = MaskFit.Fit(mask, null, Lanes(mask.Rows, mask.Columns));
        return MaskEncoder.Encode(mask, rowsPerBlock, model, columnClasses, rowClasses);
    }

    private static long CodedBytes(CodedMask coded)
        => coded.Stream.Length + (4L * (coded.Offsets.Length - 1)) + CodePacking.ByteCount(coded.ColumnClasses.Length, coded.Model.ColumnBits)
            + CodePacking.ByteCount(coded.RowClasses.Length, coded.Model.RowBits);

    private static byte[] Allocate(PackedHeader header)
    {
        if (!header.TryPlace()) throw new ArgumentException($"[{header.Rows}, {header.Columns}] needs more than 2^31 - 1 bytes, or a width is above 2^30");
        return new byte[header.ByteCount];
    }

    private static void WriteIndex(PackedHeader header, byte[] blob, BitMatrix mask, CodedMask? coded)
    {
        int salient = 0;
        for (int i = 0; i < header.Rows; i++)
        {
            if (i > 0 && i % header.RowsPerBlock == 0)
            {
                int block = i / header.RowsPerBlock;
                Span<byte> entry = blob.AsSpan(header.BlockTable.Offset + ((block - 1) * (coded is null ? 4 : 8)));
                BinaryPrimitives.WriteInt32LittleEndian(entry, salient);
                if (coded is not null) BinaryPrimitives.WriteInt32LittleEndian(entry[4..], coded.Offsets[block]);
            }

            foreach (ulong word in mask.Row(i)) salient += BitOperations.PopCount(word);
            if (coded is not null) continue;
            Span<byte> row = blob.AsSpan(header.IndexBytes.Offset + (i * header.MaskRowBytes), header.MaskRowBytes);
            for (int b = 0; b < row.Length; b++) row[b] = (byte)(mask.Row(i)[b >> 3] >> (8 * (b & 7)));
        }

        if (coded is null) return;
        CodePacking.Write(coded.ColumnClasses, header.Model.ColumnBits, 0, blob.AsSpan(header.ColumnClasses.Offset));
        CodePacking.Write(coded.RowClasses, header.Model.RowBits, 0, blob.AsSpan(header.RowClasses.Offset));
        coded.Stream.CopyTo(blob.AsSpan(header.IndexBytes.Offset));
    }

    /// <summary>Writes the dense plane, and the part of the salient codes that it has no room for.</summary>
    private static void WritePlane(PackedHeader header, byte[] blob, QuantizedMatrix low, QuantizedMatrix? salient, BitMatrix? mask)
    {
        var codes = new byte[header.Columns];
        var salientCodes = new byte[header.Columns];
        var rest = new byte[header.Columns];
        long salientBit = 0;
        Span<byte> restBytes = blob.AsSpan(header.SalientCodes.Offset);
        for (int i = 0; i < header.Rows; i++)
        {
            PartWriter.CodesOf(low, i, mask, false, codes);
            if (mask is not null)
            {
                PartWriter.CodesOf(salient!, i, mask, true, salientCodes);
                int count = 0;
                for (int j = 0; j < header.Columns; j++)
                {
                    if (!mask[i, j]) continue;
                    codes[j] = (byte)(salientCodes[j] >> header.RestBits);
                    rest[count++] = (byte)(salientCodes[j] & ((1 << header.RestBits) - 1));
                }

                CodePacking.Write(rest.AsSpan(0, count), header.RestBits, salientBit, restBytes);
                salientBit += (long)count * header.RestBits;
            }

            CodePacking.Write(codes, header.PlaneBits, 0, blob.AsSpan(header.Plane.Offset + (i * header.PlaneRowBytes)));
        }
    }
}
