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

/// <summary>One mask to code, alone or together with others.</summary>
/// <param name="Mask">[rows, columns].</param>
/// <param name="Valid">[rows, columns], the weights that are coded, which a decoder knows beforehand; null: all.</param>
/// <param name="Model">Shape of the probabilities.</param>
/// <param name="ColumnClasses">[columns].</param>
/// <param name="RowClasses">[rows].</param>
internal sealed record MaskToCode(BitMatrix Mask, BitMatrix? Valid, MaskModelParameters Model, byte[] ColumnClasses, byte[] RowClasses);

/// <summary>
/// Entropy coding of a mask by asymmetric numeral systems (Duda, arXiv:1311.2540) with the two symbols "salient" and "not".
/// Up to 16 neighbouring rows form a group and are coded side by side, each with a state of its own, column by column, into one common stream.
/// Several masks of the same rows share states and stream: group by group, one mask after the other.
/// </summary>
/// <remarks>Numeral systems give the symbols back in reverse: the encoder walks each block from its last weight to its first, the decoder forwards.</remarks>
internal static class MaskEncoder
{
    /// <summary>States stay in [2¹⁶, 2³²); 16 bits move at a time.</summary>
    public const uint LowestState = 1u << 16;

    /// <summary>Codes a mask with given classes.</summary>
    public static CodedMask Encode(BitMatrix mask, int rowsPerBlock, MaskModelParameters model, byte[] columnClasses, byte[] rowClasses)
    {
        (int[] offsets, byte[] stream) = Encode([new MaskToCode(mask, null, model, columnClasses, rowClasses)], rowsPerBlock);
        return new CodedMask(model, columnClasses, rowClasses, offsets, stream);
    }

    /// <summary>Codes masks of the same rows and lanes into one stream.</summary>
    /// <returns>[blocks], first byte of each block; the blocks.</returns>
    public static (int[] Offsets, byte[] Stream) Encode(IReadOnlyList<MaskToCode> masks, int rowsPerBlock)
    {
        int rows = masks[0].Mask.Rows;
        int blocks = ((rows - 1) / rowsPerBlock) + 1;
        var pieces = new byte[blocks][];
        RowParallel.For(blocks, 1, (start, end) =>
        {
            for (int b = start; b < end; b++)
            {
                int firstRow = b * rowsPerBlock;
                pieces[b] = EncodeBlock(masks, firstRow, Math.Min(rowsPerBlock, rows - firstRow));
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
        return (offsets, stream);
    }

    private static byte[] EncodeBlock(IReadOnlyList<MaskToCode> masks, int firstRow, int rows)
    {
        int groupRows = masks[0].Model.Lanes;
        int lanes = Math.Min(groupRows, rows);
        Span<uint> states = stackalloc uint[lanes];
        states.Fill(LowestState);
        var words = new List<ushort>();
        for (int group = (rows - 1) / groupRows * groupRows; group >= 0; group -= groupRows)
        {
            for (int m = masks.Count - 1; m >= 0; m--) EncodeGroup(masks[m], firstRow + group, Math.Min(groupRows, rows - group), states, words);
        }

        var bytes = new byte[(4 * lanes) + (2 * words.Count)];
        for (int l = 0; l < lanes; l++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * l), states[l]);
        for (int k = 0; k < words.Count; k++) BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan((4 * lanes) + (2 * k)), words[words.Count - 1 - k]);
        return bytes;
    }

    private static void EncodeGroup(MaskToCode coded, int firstRow, int active, Span<uint> states, List<ushort> words)
    {
        MaskModelParameters model = coded.Model;
        var frequencies = new uint[1 << model.ColumnBits, active];
        for (int l = 0; l < active; l++)
        {
            for (int c = 0; c < 1 << model.ColumnBits; c++) frequencies[c, l] = model.Frequency(c, coded.RowClasses[firstRow + l]);
        }

        for (int j = coded.Mask.Columns - 1; j >= 0; j--)
        {
            for (int l = active - 1; l >= 0; l--)
            {
                if (coded.Valid is not null && !coded.Valid[firstRow + l, j]) continue;
                uint salient = frequencies[coded.ColumnClasses[j], l];
                bool isSalient = coded.Mask[firstRow + l, j];
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
}
