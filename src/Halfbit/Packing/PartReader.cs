using System.Buffers.Binary;

namespace Halfbit.Packing;

/// <summary>The numbers of one part: scales, means, zero codes, plain values, as single precision.</summary>
internal readonly ref struct PartReader
{
    private readonly NumberTable first;
    private readonly ReadOnlySpan<byte> second;
    private readonly NumberTable means;
    private readonly NumberTable values;
    private readonly PartLayout layout;

    /// <summary>A part of a packed matrix.</summary>
    /// <param name="layout">What it is.</param>
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="first">Scales.</param>
    /// <param name="second">Means or zero codes.</param>
    /// <param name="values">Plain values.</param>
    public PartReader(PartLayout layout, int columns, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> values)
    {
        this.layout = layout;
        this.first = new NumberTable(first, layout.Format);
        this.second = second;
        means = new NumberTable(second, layout.Format);
        this.values = new NumberTable(values, layout.Format);
        Groups = layout.Groups(columns);
        GroupSize = layout.GroupSize;
    }

    public int Groups { get; }

    public int GroupSize { get; }

    public PartType Type => layout.Type;

    public int Bits => layout.Bits;

    public SecondTable Second => layout.Second;

    /// <summary>Scale of row i, group g.</summary>
    public float Scale(int i, int g) => first[(i * Groups) + g];

    /// <summary>Mean of row i, group g; 0 without means.</summary>
    public float Mean(int i, int g) => layout.Second == SecondTable.Means ? means[(i * Groups) + g] : 0f;

    /// <summary>Zero code of row i, group g.</summary>
    public int Zero(int i, int g)
    {
        int k = (i * Groups) + g;
        return layout.Second switch
        {
            SecondTable.PackedZeros => CodePacking.At(second, (long)k * layout.Bits, layout.Bits),
            SecondTable.WideZeros => BinaryPrimitives.ReadInt16LittleEndian(second[(2 * k)..]),
            _ => 1 << (layout.Bits - 1),
        };
    }

    /// <summary>Plain value k of those stored.</summary>
    public float Value(int k) => values[k];
}
