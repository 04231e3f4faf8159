namespace Halfbit.Quantization.ArbLlm;

/// <summary>Names of the refinements, as on the command line.</summary>
internal static class ArbLlmNames
{
    private static readonly (ArbRefinement Value, string Name)[] Refinements =
    [
        (ArbRefinement.ArbRc, "arb-rc"),
        (ArbRefinement.ArbX, "arb-x"),
        (ArbRefinement.Arb, "arb"),
        (ArbRefinement.None, "none"),
    ];

    /// <summary>All names; "none" is BiLLM's braq.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Refinements.Select(r => r.Name)];

    /// <summary>The name of a refinement.</summary>
    public static string Of(ArbRefinement refinement) => Refinements.First(r => r.Value == refinement).Name;

    /// <summary>The refinement of that name.</summary>
    public static ArbRefinement Parse(string name) => Refinements.First(r => r.Name == name).Value;
}
