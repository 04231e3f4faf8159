using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>One kind of scale of all groups of a strip: how each is stored, and where.</summary>
internal sealed class GroupScales
{
    private readonly ScaleTable[] tables;
    private readonly int[] places;

    /// <summary>The scales of some groups.</summary>
    /// <param name="tables">[groups], how they are stored.</param>
    /// <param name="places">[groups], bytes from the first scale of the strip to those of a group.</param>
    public GroupScales(ScaleTable[] tables, int[] places)
    {
        (this.tables, this.places) = (tables, places);
        Count = tables.Length;
        if (Count == 0) return;
        Table = tables[0];
        Distance = Count > 1 ? places[1] - places[0] : 0;
        IsUniform = Table.Kind != ScaleKind.Exact;
        for (int g = 1; g < Count; g++) IsUniform &= tables[g].Equals(Table) && places[g] == places[0] + (g * Distance);
    }

    /// <summary>Groups.</summary>
    public int Count { get; }

    /// <summary>How the scales of the first group are stored.</summary>
    public ScaleTable Table { get; }

    /// <summary>Bytes from the scales of one group to those of the next.</summary>
    public int Distance { get; }

    /// <summary>Whether those of all groups are stored alike, in halves or bytes, at equal distances.</summary>
    public bool IsUniform { get; }

    /// <summary>How the scales of a group are stored.</summary>
    public ref readonly ScaleTable TableOf(int g) => ref tables[g];

    /// <summary>Bytes from the first scale of the strip to those of a group.</summary>
    public int PlaceOf(int g) => places[g];
}
