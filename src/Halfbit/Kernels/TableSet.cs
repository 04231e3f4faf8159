using System.Runtime.CompilerServices;
using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Rows of activations, and how they are rounded.</summary>
/// <param name="x">[tokens] rows, a stride apart.</param>
/// <param name="stride">Numbers from one row to the next.</param>
/// <param name="tokens">How many rows.</param>
/// <param name="parts">Eight-bit numbers of an activation: 1, or <see cref="ActivationTables.ExactParts"/>.</param>
internal readonly unsafe struct ActivationRows(float* x, nint stride, int tokens, int parts)
{
    public readonly int Tokens = tokens;
    public readonly int Parts = parts;

    public float* Row(int t) => x + (t * stride);
}

/// <summary>The tables of some rows of activations for consecutive strips, and what else a product needs of those activations.</summary>
internal sealed unsafe class TableSet
{
    private readonly AlignedBuffer tableBuffer = new();
    private readonly AlignedBuffer valueBuffer = new();
    private readonly AlignedBuffer inputBuffer = new();
    private readonly AlignedBuffer totalBuffer = new();
    private int firstStrip;
    private int strips;
    private int words;
    private int[] wordStart = [];
    private byte* tables;
    private sbyte* values;
    private StripInput* inputs;
    private float* totals;

    /// <summary>Makes room for the tables of strips.</summary>
    /// <param name="all">The strips of a matrix.</param>
    /// <param name="range">Which of them.</param>
    /// <param name="rows">The activations.</param>
    /// <param name="kernel">Whose tables.</param>
    public void Reserve(Strip[] all, ColumnRange range, in ActivationRows rows, PlaneKernel kernel)
    {
        (firstStrip, strips) = (range.Start, range.Count);
        if (wordStart.Length <= strips) wordStart = new int[strips + 1];
        for (int s = 0; s < strips; s++) wordStart[s + 1] = wordStart[s] + all[firstStrip + s].Words;
        words = wordStart[strips];
        nint slots = (nint)rows.Tokens * rows.Parts;
        tables = tableBuffer.Reserve<byte>(slots * words * kernel.TableBytes);
        values = valueBuffer.Reserve<sbyte>((slots * words * PlaneKernel.WordColumns) + PlaneKernel.MostColumns);
        inputs = inputBuffer.Reserve<StripInput>(slots * strips);
    }

    /// <summary>Makes the tables of a row of activations for a strip.</summary>
    /// <param name="strip">The strip.</param>
    /// <param name="s">Its number.</param>
    /// <param name="t">The row.</param>
    /// <param name="rows">The activations.</param>
    /// <param name="kernel">Whose tables.</param>
    [SkipLocalsInit]
    public void Build(Strip strip, int s, int t, in ActivationRows rows, PlaneKernel kernel)
    {
        sbyte* q = stackalloc sbyte[ActivationTables.ExactParts * PlaneKernel.MostColumns];
        int padded = strip.Words * PlaneKernel.WordColumns;
        float scale = ActivationTables.Quantize(rows.Row(t), strip, rows.Parts, q);
        for (int part = 0; part < rows.Parts; part++, scale *= 1f / 256)
        {
            nint slot = ((nint)t * rows.Parts) + part;
            nint at = (slot * words) + wordStart[s - firstStrip];
            sbyte* stored = values + (at * PlaneKernel.WordColumns);
            byte* table = tables + (at * kernel.TableBytes);
            Unsafe.CopyBlockUnaligned(stored, q + (part * padded), (uint)padded);
            kernel.BuildTables(stored, strip.Words, table);
            inputs[(slot * strips) + s - firstStrip] = new StripInput(table, stored, ActivationTables.Total(stored, padded), scale);
        }
    }

    /// <summary>What a strip needs of a part of a row of activations.</summary>
    public ref readonly StripInput Input(int s, int t, int part, int parts) => ref inputs[((((nint)t * parts) + part) * strips) + s - firstStrip];

    /// <summary>Forgets sums.</summary>
    public void ClearTotals(int tokens)
    {
        totals = totalBuffer.Reserve<float>(tokens);
        new Span<float>(totals, tokens).Clear();
    }

    /// <summary>Adds Σ s·q of strips, one after the other.</summary>
    /// <param name="range">Strips that have tables.</param>
    /// <param name="rows">The activations.</param>
    public void AddTotals(ColumnRange range, in ActivationRows rows)
    {
        for (int t = 0; t < rows.Tokens; t++)
        {
            for (int s = range.Start; s < range.End; s++)
            {
                for (int part = 0; part < rows.Parts; part++)
                {
                    ref readonly StripInput input = ref Input(s, t, part, rows.Parts);
                    totals[t] += input.Scale * input.Total;
                }
            }
        }
    }

    /// <summary>Σ s·q of a row of activations over the strips added so far.</summary>
    public float Total(int t) => totals[t];
}
