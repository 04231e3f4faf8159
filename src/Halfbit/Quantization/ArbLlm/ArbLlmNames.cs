namespace Halfbit.Quantization.ArbLlm;

/// <summary>Names of option values, as on the command line.</summary>
internal static class ArbLlmNames
{
    private static readonly (ArbRefinement Value, string Name)[] Refinements =
    [
        (ArbRefinement.ArbRc, "arb-rc"),
        (ArbRefinement.ArbX, "arb-x"),
        (ArbRefinement.Arb, "arb"),
        (ArbRefinement.None, "none"),
    ];

    /// <summary>Names of all refinements; "none" is BiLLM's braq.</summary>
    public static IReadOnlyList<string> AllRefinements { get; } = [.. Refinements.Select(r => r.Name)];

    /// <summary>The name of a refinement.</summary>
    public static string Of(ArbRefinement refinement) => Refinements.First(r => r.Value == refinement).Name;

    /// <summary>The refinement of that name.</summary>
    public static ArbRefinement Parse(string name) => Refinements.First(r => r.Name == name).Value;

    private static readonly (SalienceMetric Value, string Name)[] Saliences =
        [(SalienceMetric.Hessian, "hessian"), (SalienceMetric.Magnitude, "magnitude"), (SalienceMetric.Auto, "auto")];

    private static readonly (BlockFeedback Value, string Name)[] Feedbacks =
        [(BlockFeedback.Diagonal, "diagonal"), (BlockFeedback.Exact, "exact"), (BlockFeedback.Columns, "columns")];

    /// <summary>Names of all metrics.</summary>
    public static IReadOnlyList<string> AllSaliences { get; } = [.. Saliences.Select(s => s.Name)];

    /// <summary>Names of all ways to carry errors over.</summary>
    public static IReadOnlyList<string> AllFeedbacks { get; } = [.. Feedbacks.Select(f => f.Name)];

    /// <summary>The name of a metric.</summary>
    public static string Of(SalienceMetric salience) => Saliences.First(s => s.Value == salience).Name;

    /// <summary>The name of a way to carry errors over.</summary>
    public static string Of(BlockFeedback feedback) => Feedbacks.First(f => f.Value == feedback).Name;

    /// <summary>The metric of that name.</summary>
    public static SalienceMetric ParseSalience(string name) => Saliences.First(s => s.Name == name).Value;

    /// <summary>The way to carry errors over of that name.</summary>
    public static BlockFeedback ParseFeedback(string name) => Feedbacks.First(f => f.Name == name).Value;
}
