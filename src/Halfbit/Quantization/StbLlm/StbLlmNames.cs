namespace Halfbit.Quantization.StbLlm;

/// <summary>The method's own options, as on the command line.</summary>
internal static class StbLlmNames
{
    private static readonly (ImportanceScore Value, string Name)[] All =
    [
        (ImportanceScore.Error, "error"),
        (ImportanceScore.Standardized, "si"),
        (ImportanceScore.Relative, "ria"),
        (ImportanceScore.Magnitude, "magnitude"),
    ];

    /// <summary>The name of a score.</summary>
    public static string Of(ImportanceScore score) => All.First(a => a.Value == score).Name;

    /// <summary>Reads what only this method has.</summary>
    /// <param name="read">Options as text.</param>
    /// <param name="options">Defaults of the variant, and what was read already.</param>
    /// <exception cref="OptionException">A value is unknown or out of range, or the released program has no such choice.</exception>
    public static StbLlmOptions Read(OptionReader read, StbLlmOptions options)
    {
        string importance = read.Choice("importance", Of(options.Importance), [.. All.Select(a => a.Name)]);
        if (options.Variant == QuantizationVariant.Released && importance != Of(options.Importance))
            throw new OptionException($"--importance is '{importance}', but --variant released is what the authors' program does: {Of(options.Importance)}; leave one of them out");
        return options with
        {
            Importance = All.First(a => a.Name == importance).Value,
            Adaptive = read.Switch("adaptive", options.Adaptive),
            Keep = read.Pattern("keep", options.Keep),
        };
    }
}
