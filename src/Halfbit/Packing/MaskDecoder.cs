using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halfbit.Packing;

/// <summary>Reads the rows of one block of a coded mask, group after group, in the order in which <see cref="MaskEncoder"/> laid them down.</summary>
/// <remarks>Bytes beyond the end of the block read as zero and are counted, so that a damaged stream ends in <see cref="IsAtEnd"/> = false instead of an error inside the loop.</remarks>
internal ref struct MaskDecoder
{
    public const int MaximumLanes = 16;

    /// <summary>[256, 8]: for each set of lanes, which of the next words each lane takes; 0 where it takes none.</summary>
    private static readonly int[] WordOfLane = [.. Enumerable.Range(0, 256 * 8).Select(k => (k >> 3 >> (k & 7) & 1) * BitOperations.PopCount((uint)(k >> 3) & ((1u << (k & 7)) - 1)))];

    private readonly ReadOnlySpan<byte> stream;
    private readonly Span<uint> states;
    private int position;

    /// <summary>Starts at the first row of a block.</summary>
    /// <param name="stream">The block's bytes, at least 4 per lane.</param>
    /// <param name="states">[min(lanes, rows of the block)], scratch.</param>
    public MaskDecoder(ReadOnlySpan<byte> stream, Span<uint> states)
    {
        this.stream = stream;
        this.states = states;
        for (int l = 0; l < states.Length; l++) states[l] = BinaryPrimitives.ReadUInt32LittleEndian(stream[(4 * l)..]);
        position = 4 * states.Length;
    }

    /// <summary>Goes on where a decoder of the same block left off.</summary>
    /// <param name="stream">The block's bytes.</param>
    /// <param name="states">As the other left them.</param>
    /// <param name="position">Its <see cref="Position"/>.</param>
    public MaskDecoder(ReadOnlySpan<byte> stream, Span<uint> states, int position)
    {
        this.stream = stream;
        this.states = states;
        this.position = position;
    }

    /// <summary>The next byte of the block.</summary>
    public readonly int Position => position;

    /// <summary>Whether all bytes were used and all states are back where the encoder began: true after the last row of an undamaged block.</summary>
    public readonly bool IsAtEnd => position == stream.Length && !states.ContainsAnyExcept(MaskEncoder.LowestState);

    /// <summary>Decodes the next group of rows.</summary>
    /// <param name="columnClasses">[columns].</param>
    /// <param name="frequencies">[column classes, 16]: the chance of "salient" per column class and row of the group.</param>
    /// <param name="active">Rows of the group, 1 to 16.</param>
    /// <param name="valid">[columns]; bit l says that the weight of row l was coded at all. Empty: all were.</param>
    /// <param name="columnMasks">[columns]; bit l becomes the weight of row l, cleared where it was not coded.</param>
    public void DecodeGroup(ReadOnlySpan<byte> columnClasses, ReadOnlySpan<uint> frequencies, int active, ReadOnlySpan<ushort> valid, Span<ushort> columnMasks)
    {
        bool isWide = active == MaximumLanes && states.Length == MaximumLanes;
        if (isWide && Vector512.IsHardwareAccelerated)
        {
            if (valid.IsEmpty) Decode512<All>(columnClasses, frequencies, valid, columnMasks);
            else Decode512<Some>(columnClasses, frequencies, valid, columnMasks);
        }
        else if (isWide && Vector256.IsHardwareAccelerated)
        {
            if (valid.IsEmpty) Decode256<All>(columnClasses, frequencies, valid, columnMasks);
            else Decode256<Some>(columnClasses, frequencies, valid, columnMasks);
        }
        else
        {
            DecodeScalar(columnClasses, frequencies, active, valid, columnMasks);
        }
    }

    /// <summary>The definition of <see cref="DecodeGroup"/>.</summary>
    public void DecodeScalar(ReadOnlySpan<byte> columnClasses, ReadOnlySpan<uint> frequencies, int active, ReadOnlySpan<ushort> valid, Span<ushort> columnMasks)
    {
        for (int j = 0; j < columnMasks.Length; j++)
        {
            ReadOnlySpan<uint> salientOf = frequencies.Slice(columnClasses[j] * MaximumLanes, MaximumLanes);
            uint coded = valid.IsEmpty ? uint.MaxValue : valid[j];
            uint mask = 0;
            for (int l = 0; l < active; l++)
            {
                // A frequency of 0 would leave the state as it is: nothing was written for this weight.
                if ((coded >> l & 1) == 0) continue;
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

    private void Decode512<T>(ReadOnlySpan<byte> columnClasses, ReadOnlySpan<uint> frequencies, ReadOnlySpan<ushort> valid, Span<ushort> columnMasks)
    {
        // lane l: state of row l
        Vector512<uint> state = Vector512.Create<uint>(states);
        Vector512<uint> low = Vector512.Create(MaskProbability.Total - 1);
        Vector512<uint> lowest = Vector512.Create(MaskEncoder.LowestState);
        Vector512<uint> lane = Vector512.Create(1u, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        for (int j = 0; j < columnMasks.Length; j++)
        {
            Vector512<uint> salient = Vector512.Create(frequencies.Slice(columnClasses[j] * MaximumLanes, MaximumLanes));
            if (typeof(T) == typeof(Some)) salient &= Vector512.Equals(Vector512.Create((uint)valid[j]) & lane, lane);
            Vector512<uint> product = salient * (state >> MaskProbability.TotalBits);
            Vector512<uint> remainder = state & low;
            Vector512<uint> isSalient = Vector512.LessThan(remainder, salient);
            state = Vector512.ConditionalSelect(isSalient, product + remainder, state - product - salient);
            columnMasks[j] = (ushort)isSalient.ExtractMostSignificantBits();
            Vector512<uint> isLow = Vector512.LessThan(state, lowest);
            uint needs = (uint)isLow.ExtractMostSignificantBits();
            if (needs == 0) continue;
            if (position + 32 <= stream.Length)
            {
                Vector256<uint> lower = NextWords(needs & 0xFF);
                Vector256<uint> upper = NextWords(needs >> 8);
                state = Vector512.ConditionalSelect(isLow, (state << 16) | Vector512.Create(lower, upper), state);
                continue;
            }

            state.CopyTo(states);
            Refill(needs);
            state = Vector512.Create<uint>(states);
        }

        state.CopyTo(states);
    }

    private void Decode256<T>(ReadOnlySpan<byte> columnClasses, ReadOnlySpan<uint> frequencies, ReadOnlySpan<ushort> valid, Span<ushort> columnMasks)
    {
        // lanes of a: rows 0 to 7; lanes of b: rows 8 to 15
        Vector256<uint> a = Vector256.Create<uint>(states);
        Vector256<uint> b = Vector256.Create<uint>(states[8..]);
        Vector256<uint> low = Vector256.Create(MaskProbability.Total - 1);
        Vector256<uint> lowest = Vector256.Create(MaskEncoder.LowestState);
        Vector256<uint> lane = Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128);
        for (int j = 0; j < columnMasks.Length; j++)
        {
            ReadOnlySpan<uint> salientOf = frequencies.Slice(columnClasses[j] * MaximumLanes, MaximumLanes);
            Vector256<uint> salientA = Vector256.Create(salientOf);
            Vector256<uint> salientB = Vector256.Create(salientOf[8..]);
            if (typeof(T) == typeof(Some))
            {
                salientA &= Vector256.Equals(Vector256.Create((uint)valid[j]) & lane, lane);
                salientB &= Vector256.Equals(Vector256.Create((uint)valid[j] >> 8) & lane, lane);
            }

            Vector256<uint> productA = salientA * (a >> MaskProbability.TotalBits);
            Vector256<uint> productB = salientB * (b >> MaskProbability.TotalBits);
            Vector256<uint> isA = Vector256.LessThan(a & low, salientA);
            Vector256<uint> isB = Vector256.LessThan(b & low, salientB);
            a = Vector256.ConditionalSelect(isA, productA + (a & low), a - productA - salientA);
            b = Vector256.ConditionalSelect(isB, productB + (b & low), b - productB - salientB);
            columnMasks[j] = (ushort)(isA.ExtractMostSignificantBits() | (isB.ExtractMostSignificantBits() << 8));
            Vector256<uint> isLowA = Vector256.LessThan(a, lowest);
            Vector256<uint> isLowB = Vector256.LessThan(b, lowest);
            uint needsA = isLowA.ExtractMostSignificantBits();
            uint needsB = isLowB.ExtractMostSignificantBits();
            if ((needsA | needsB) == 0) continue;
            if (position + 32 <= stream.Length)
            {
                a = Vector256.ConditionalSelect(isLowA, (a << 16) | NextWords(needsA), a);
                b = Vector256.ConditionalSelect(isLowB, (b << 16) | NextWords(needsB), b);
                continue;
            }

            a.CopyTo(states);
            b.CopyTo(states[8..]);
            Refill(needsA | (needsB << 8));
            a = Vector256.Create<uint>(states);
            b = Vector256.Create<uint>(states[8..]);
        }

        a.CopyTo(states);
        b.CopyTo(states[8..]);
    }

    /// <summary>The next words for eight lanes, at least 16 bytes before the end of the block; lanes that need none get any word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<uint> NextWords(uint needs)
    {
        Vector128<ushort> words = Vector128.Create(stream[position..]).AsUInt16();
        position += 2 * BitOperations.PopCount(needs);
        (Vector128<uint> first, Vector128<uint> last) = Vector128.Widen(words);
        return Vector256.Shuffle(Vector256.Create(first, last), Vector256.Create(WordOfLane.AsSpan((int)needs * 8)).AsUInt32());
    }

    private void Refill(uint needs)
    {
        for (; needs != 0; needs &= needs - 1)
        {
            ref uint state = ref states[BitOperations.TrailingZeroCount(needs)];
            state = (state << 16) | Next();
        }
    }

    private uint Next()
    {
        if (position + 2 > stream.Length)
        {
            position = stream.Length + 2;
            return 0;
        }

        uint next = BinaryPrimitives.ReadUInt16LittleEndian(stream[position..]);
        position += 2;
        return next;
    }

    /// <summary>All weights of a group are coded.</summary>
    private readonly struct All;

    /// <summary>Only some weights of a group are coded.</summary>
    private readonly struct Some;
}
