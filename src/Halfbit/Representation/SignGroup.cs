namespace Halfbit.Representation;

/// <summary>The scales of one group of weights of a <see cref="GroupedSignMatrix"/>: Ŵᵢⱼ = μᵢ,b + Σₖ αₖ,ᵢ,b·βₖ,ⱼ·Bₖ,ᵢⱼ with b the column block of j.</summary>
public sealed record SignGroup
{
    /// <summary>[planes][rows · blocks], row scales α, one table per sign plane (1 or 2).</summary>
    public required IReadOnlyList<float[]> Alpha { get; init; }

    /// <summary>[rows · blocks], means μ; null: none.</summary>
    public float[]? Mu { get; init; }

    /// <summary>[planes][columns], column scales β; null: all 1. Entries of columns that the group never uses have no meaning and are not stored.</summary>
    public IReadOnlyList<float[]>? Beta { get; init; }

    /// <summary>Whether α is to be stored in eight bits rather than in halves.</summary>
    public bool HasByteScales { get; init; }

    /// <summary>How α is stored.</summary>
    public ScaleFormat AlphaFormat { get; init; }

    /// <summary>How μ is stored.</summary>
    public ScaleFormat MuFormat { get; init; }

    /// <summary>How β is stored.</summary>
    public ScaleFormat BetaFormat { get; init; }

    /// <summary>Sign planes: 1, or 2 with a residual.</summary>
    public int Planes => Alpha.Count;
}
