namespace Halfbit.Quantization.PbLlm;

/// <summary>Names and nominal costs of the low-precision codes.</summary>
internal static class PbLlmNames
{
    private static readonly (LowPrecision Value, string Name, double Bits)[] All =
    [
        (LowPrecision.Xnor, "xnor", 1),
        (LowPrecision.Sign, "sign", 1),
        (LowPrecision.TwoBit, "2bit", 2),
        (LowPrecision.FourBit, "4bit", 4),
        (LowPrecision.Prune, "prune", 0),
        (LowPrecision.None, "none", 16),
    ];

    /// <summary>All names, as on the command line.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(a => a.Name)];

    /// <summary>The name of a code.</summary>
    public static string Of(LowPrecision low) => All.First(a => a.Value == low).Name;

    /// <summary>The code of that name, or null.</summary>
    public static LowPrecision? TryParse(string name) => Names.Contains(name) ? All.First(a => a.Name == name).Value : null;

    /// <summary>Bits per low weight as the paper counts them.</summary>
    public static double NominalBits(LowPrecision low) => All.First(a => a.Value == low).Bits;
}
