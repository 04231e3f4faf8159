namespace Halfbit.Quantization.StbLlm;

/// <summary>Names of option values, as on the command line.</summary>
internal static class StbLlmNames
{
    private static readonly (ImportanceScore Value, string Name)[] All =
    [
        (ImportanceScore.Error, "error"),
        (ImportanceScore.Standardized, "si"),
        (ImportanceScore.Relative, "ria"),
        (ImportanceScore.Magnitude, "magnitude"),
    ];

    /// <summary>Names of the importance scores.</summary>
    public static IReadOnlyList<string> Importances { get; } = [.. All.Select(a => a.Name)];

    /// <summary>The name of a score.</summary>
    public static string Of(ImportanceScore score) => All.First(a => a.Value == score).Name;

    /// <summary>The score of a name.</summary>
    public static ImportanceScore ImportanceOf(string name) => All.First(a => a.Name == name).Value;
}
