using System.Buffers.Binary;
using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Packing;

/// <summary>Writes the numbers of one part and says its codes, refusing whatever would not come back exactly.</summary>
internal static class PartWriter
{
    /// <summary>Writes scales, and means or zero codes.</summary>
    public static void WriteTables(QuantizedMatrix part, Span<byte> first, Span<byte> second)
    {
        switch (part)
        {
            case SignMatrix sign:
                NumberTable.Write(sign.Alpha, sign.Format, first, "scale");
                if (sign.Mu is not null) NumberTable.Write(sign.Mu, sign.Format, second, "mean");
                break;
            case GridMatrix grid:
                NumberTable.Write(grid.Scale, grid.Format, first, "scale");
                if (grid.Zero is null) break;
                if (PartLayout.Of(grid).Second == SecondTable.PackedZeros) CodePacking.Write([.. grid.Zero.Select(z => (byte)z)], grid.Bits, 0, second);
                else for (int k = 0; k < grid.Zero.Length; k++) BinaryPrimitives.WriteInt16LittleEndian(second[(2 * k)..], grid.Zero[k]);
                break;
        }
    }

    /// <summary>Writes the values of one side of a mask, row by row; without a mask all of them.</summary>
    public static int WriteValues(PlainMatrix plain, BitMatrix? mask, bool side, Span<byte> destination)
    {
        int size = plain.Format.NumberBytes;
        int written = 0;
        for (int i = 0; i < plain.Rows; i++)
        {
            ReadOnlySpan<float> row = plain.Values.Row(i);
            for (int j = 0; j < row.Length; j++)
            {
                if (mask is not null && mask[i, j] != side) continue;
                NumberTable.WriteOne(row[j], plain.Format, destination[(written++ * size)..], "value", i, j);
            }
        }

        return written;
    }

    /// <summary>The codes of row <paramref name="i"/>: 1 bit for signs, the grid's codes, nothing for other parts.</summary>
    /// <param name="part">The part.</param>
    /// <param name="i">Row.</param>
    /// <param name="mask">Which codes count; null: all.</param>
    /// <param name="side">The mask bit of the codes that count; the others become 0.</param>
    /// <param name="codes">[columns], receives the codes.</param>
    public static void CodesOf(QuantizedMatrix part, int i, BitMatrix? mask, bool side, Span<byte> codes)
    {
        codes.Clear();
        if (part is not (SignMatrix or GridMatrix)) return;
        for (int j = 0; j < codes.Length; j++)
        {
            if (mask is not null && mask[i, j] != side) continue;
            if (part is SignMatrix sign)
            {
                codes[j] = sign.Signs[i, j] ? (byte)1 : (byte)0;
            }
            else
            {
                var grid = (GridMatrix)part;
                int code = grid.Codes[(i * grid.Columns) + j];
                if (code >> grid.Bits != 0) throw new ArgumentException($"the code {code} at row {i}, column {j} does not fit {grid.Bits} bits", nameof(part));
                codes[j] = (byte)code;
            }
        }
    }
}
