using System.Buffers.Binary;
using Halfbit.Numerics;

namespace Halfbit.Packing;

/// <summary>A coded index: parameters, classes, and for each block of rows where its bytes start.</summary>
/// <param name="Model">Shape of the probabilities.</param>
/// <param name="ColumnClasses">[columns].</param>
/// <param name="RowClasses">[rows].</param>
/// <param name="Offsets">[blocks], first byte of each block in <paramref name="Stream"/>.</param>
/// <param name="Stream">The blocks.</param>
internal sealed record CodedMask(MaskModelParameters Model, byte[] ColumnClasses, byte[] RowClasses, int[] Offsets, byte[] Stream);

/// <summary>
/// Entropy coding of a mask by asymmetric numeral systems (Duda, arXiv:1311.2540) with the two symbols "salient" and "not".
/// Up to 16 neighbouring rows form a group and are coded side by side, each with a state of its own, column by column, into one common stream.
/// </summary>
/// <remarks>Numeral systems give the symbols back in reverse: the encoder walks each block from its last weight to its first, the decoder forwards.</remarks>
internal static class MaskEncoder
{
    /// <summary>States stay in [2¹⁶, 2³²); 16 bits move at a time.</summary>
    public const uint LowestState = 1u << 16;

    /// <summary>Codes a mask with given classes.</summary>
    public static CodedMask Encode(BitMatrix mask, int rowsPerBlock, MaskModelParameters model, byte[] columnClasses, byte[] rowClasses)
    {
        int blocks = ((mask.Rows - 1) / rowsPerBlock) + 1;
        var pieces = new byte[blocks][];
        RowParallel.For(blocks, 1, (start, end) =>
        {
            for (int b = start; b < end; b++)
            {
                int firstRow = b * rowsPerBlock;
                pieces[b] = EncodeBlock(mask, firstRow, Math.Min(rowsPerBlock, mask.Rows - firstRow), model, columnClasses, rowClasses);
            }
        });

        var offsets = new int[blocks];
        int length = 0;
        for (int b = 0; b < blocks; b++)
        {
            offsets[b] = length;
            length = checked(length + pieces[b].Length);
        }

        var stream = new byte[length];
        for (int b = 0; b < blocks; b++) pieces[b].CopyTo(stream, offsets[b]);
        return new CodedMask(model, columnClasses, rowClasses, offsets, stream);
    }

    private static byte[] EncodeBlock(BitMatrix mask, int firstRow, int rows, MaskModelParameters model, byte[] columnClasses, byte[] rowClasses)
    {
        int lanes = Math.Min(model.Lanes, rows);
        var frequencies = new uint[1 << model.ColumnBits, model.Lanes];
        Span<uint> states = stackalloc uint[lanes];
        states.Fill(LowestState);
        var words = new List<ushort>();
        for (int group = (rows - 1) / model.Lanes * model.Lanes; group >= 0; group -= model.Lanes)
        {
            int active = Math.Min(model.Lanes, rows - group);
            for (int l = 0; l < active; l++)
            {
                for (int c = 0; c < 1 << model.ColumnBits; c++) frequencies[c, l] = model.Frequency(c, rowClasses[firstRow + group + l]);
            }

            for (int j = mask.Columns - 1; j >= 0; j--)
            {
                for (int l = active - 1; l >= 0; l--)
                {
                    uint salient = frequencies[columnClasses[j], l];
                    bool isSalient = mask[firstRow + group + l, j];
                    uint frequency = isSalient ? salient : MaskProbability.Total - salient;
                    uint state = states[l];
                    if (state >= (ulong)frequency << (32 - MaskProbability.TotalBits))
                    {
                        words.Add((ushort)state);
                        state >>= 16;
                    }

                    states[l] = ((state / frequency) << MaskProbability.TotalBits) + (state % frequency) + (isSalient ? 0 : salient);
                }
            }
        }

        var bytes = new byte[(4 * lanes) + (2 * words.Count)];
        for (int l = 0; l < lanes; l++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * l), states[l]);
        for (int k = 0; k < words.Count; k++) BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan((4 * lanes) + (2 * k)), words[words.Count - 1 - k]);
        return bytes;
    }
}
