using System.Globalization;

namespace Halfbit.Quantization;

/// <summary>Options as text, by their command-line names: for reports, and for the record inside a packed checkpoint.</summary>
internal static class OptionText
{
    /// <summary>The options that all methods share, and further ones.</summary>
    public static IReadOnlyDictionary<string, string> Of(MethodOptions options, params ReadOnlySpan<(string Key, string Value)> more)
    {
        var text = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["group-size"] = Of(options.GroupSize),
            ["compensation"] = Of(options.Compensation),
            ["variant"] = Of(options.Variant),
        };
        if (options.Compensation) text["damping"] = options.DampingFraction.ToString("R", CultureInfo.InvariantCulture);
        foreach ((string key, string value) in more) text[key] = value;
        return text;
    }

    /// <summary>An integer.</summary>
    public static string Of(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A fraction, shortest form that reads back exactly.</summary>
    public static string Of(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>A variant.</summary>
    public static string Of(QuantizationVariant variant) => variant switch
    {
        QuantizationVariant.Released => "released",
        QuantizationVariant.Strict => "strict",
        _ => "default",
    };

    /// <summary>A switch.</summary>
    public static string Of(bool value) => value ? "on" : "off";
}
