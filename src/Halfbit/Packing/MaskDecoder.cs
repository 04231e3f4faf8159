using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Halfbit.Packing;

/// <summary>Reads the rows of one block of a coded index, group after group, in the order in which <see cref="MaskEncoder"/> laid them down.</summary>
/// <remarks>Bytes beyond the end of the block read as zero and are counted, so that a damaged stream ends in <see cref="IsAtEnd"/> = false instead of an error inside the loop.</remarks>
internal ref struct MaskDecoder
{
    public const int MaximumLanes = 16;
    private readonly ReadOnlySpan<byte> stream;
    private readonly ReadOnlySpan<byte> columnClasses;
    private readonly Span<uint> states;
    private int position;

    /// <summary>Starts at the first row of a block.</summary>
    /// <param name="stream">The block's bytes, at least 4 per lane.</param>
    /// <param name="columnClasses">[columns].</param>
    /// <param name="states">[min(lanes, rows of the block)], scratch.</param>
    public MaskDecoder(ReadOnlySpan<byte> stream, ReadOnlySpan<byte> columnClasses, Span<uint> states)
    {
        this.stream = stream;
        this.columnClasses = columnClasses;
        this.states = states;
        for (int l = 0; l < states.Length; l++) states[l] = BinaryPrimitives.ReadUInt32LittleEndian(stream[(4 * l)..]);
        position = 4 * states.Length;
    }

    /// <summary>Whether all bytes were used and all states are back where the encoder began: true after the last row of an undamaged block.</summary>
    public readonly bool IsAtEnd => position == stream.Length && !states.ContainsAnyExcept(MaskEncoder.LowestState);

    /// <summary>Decodes the next group of rows.</summary>
    /// <param name="frequencies">[column classes, 16]: the chance of "salient" per column class and row of the group.</param>
    /// <param name="active">Rows of the group, 1 to 16.</param>
    /// <param name="columnMasks">[columns]; bit l becomes the weight of row l.</param>
    public void DecodeGroup(ReadOnlySpan<uint> frequencies, int active, Span<ushort> columnMasks)
    {
        if (active == MaximumLanes && Vector512.IsHardwareAccelerated) Decode512(frequencies, columnMasks);
        else if (active == MaximumLanes && Vector256.IsHardwareAccelerated) Decode256(frequencies, columnMasks);
        else DecodeScalar(frequencies, active, columnMasks);
    }

    /// <summary>The definition of <see cref="DecodeGroup"/>.</summary>
    public void DecodeScalar(ReadOnlySpan<uint> frequencies, int active, Span<ushort> columnMasks)
    {
        for (int j = 0; j < columnMasks.Length; j++)
        {
            ReadOnlySpan<uint> salientOf = frequencies.Slice(columnClasses[j] * MaximumLanes, MaximumLanes);
            uint mask = 0;
            for (int l = 0; l < active; l++)
            {
                uint state = states[l];
                uint salient = salientOf[l];
                uint quotient = state >> MaskProbability.TotalBits;
                uint remainder = state & (MaskProbability.Total - 1);
                bool isSalient = remainder < salient;
                state = isSalient ? (salient * quotient) + remainder : state - (salient * quotient) - salient;
                if (isSalient) mask |= 1u << l;
                states[l] = state < MaskEncoder.LowestState ? (state << 16) | Next() : state;
            }

            columnMasks[j] = (ushort)mask;
        }
    }

    private void Decode512(ReadOnlySpan<uint> frequencies, Span<ushort> columnMasks)
    {
        // lane l: state of row l
        Vector512<uint> state = Vector512.Create<uint>(states);
        Vector512<uint> low = Vector512.Create(MaskProbability.Total - 1);
        Vector512<uint> lowest = Vector512.Create(MaskEncoder.LowestState);
        for (int j = 0; j < columnMasks.Length; j++)
        {
            Vector512<uint> salient = Vector512.Create(frequencies.Slice(columnClasses[j] * MaximumLanes, MaximumLanes));
            Vector512<uint> product = salient * (state >> MaskProbability.TotalBits);
            Vector512<uint> remainder = state & low;
            Vector512<uint> isSalient = Vector512.LessThan(remainder, salient);
            state = Vector512.ConditionalSelect(isSalient, product + remainder, state - product - salient);
            columnMasks[j] = (ushort)isSalient.ExtractMostSignificantBits();
            uint needs = (uint)Vector512.LessThan(state, lowest).ExtractMostSignificantBits();
            if (needs == 0) continue;
            state.CopyTo(states);
            Refill(needs);
            state = Vector512.Create<uint>(states);
        }

        state.CopyTo(states);
    }

    private void Decode256(ReadOnlySpan<uint> frequencies, Span<ushort> columnMasks)
    {
        // lanes of a: rows 0 to 7; lanes of b: rows 8 to 15
        Vector256<uint> a = Vector256.Create<uint>(states);
        Vector256<uint> b = Vector256.Create<uint>(states[8..]);
        Vector256<uint> low = Vector256.Create(MaskProbability.Total - 1);
        Vector256<uint> lowest = Vector256.Create(MaskEncoder.LowestState);
        for (int j = 0; j < columnMasks.Length; j++)
        {
            ReadOnlySpan<uint> salientOf = frequencies.Slice(columnClasses[j] * MaximumLanes, MaximumLanes);
            Vector256<uint> salientA = Vector256.Create(salientOf);
            Vector256<uint> salientB = Vector256.Create(salientOf[8..]);
            Vector256<uint> productA = salientA * (a >> MaskProbability.TotalBits);
            Vector256<uint> productB = salientB * (b >> MaskProbability.TotalBits);
            Vector256<uint> isA = Vector256.LessThan(a & low, salientA);
            Vector256<uint> isB = Vector256.LessThan(b & low, salientB);
            a = Vector256.ConditionalSelect(isA, productA + (a & low), a - productA - salientA);
            b = Vector256.ConditionalSelect(isB, productB + (b & low), b - productB - salientB);
            columnMasks[j] = (ushort)(isA.ExtractMostSignificantBits() | (isB.ExtractMostSignificantBits() << 8));
            uint needs = Vector256.LessThan(a, lowest).ExtractMostSignificantBits() | (Vector256.LessThan(b, lowest).ExtractMostSignificantBits() << 8);
            if (needs == 0) continue;
            a.CopyTo(states);
            b.CopyTo(states[8..]);
            Refill(needs);
            a = Vector256.Create<uint>(states);
            b = Vector256.Create<uint>(states[8..]);
        }

        a.CopyTo(states);
        b.CopyTo(states[8..]);
    }

    private void Refill(uint needs)
    {
        for (; needs != 0; needs &= needs - 1)
        {
            ref uint state = ref states[System.Numerics.BitOperations.TrailingZeroCount(needs)];
            state = (state << 16) | Next();
        }
    }

    private uint Next()
    {
        uint next = position + 2 <= stream.Length ? BinaryPrimitives.ReadUInt16LittleEndian(stream[position..]) : 0u;
        position += 2;
        return next;
    }
}
