using System.Globalization;

namespace Halfbit.Reports;

/// <summary>Numbers as the report writes them: the same decimals in a column, no local habits.</summary>
internal static class NumberText
{
    private const double Million = 1e6;

    /// <summary>Bits per weight, three decimals.</summary>
    public static string Bits(double value) => value.ToString("F3", CultureInfo.InvariantCulture);

    /// <summary>Perplexity, two decimals; beyond a hundred thousand with an exponent.</summary>
    public static string Perplexity(double value)
        => !double.IsFinite(value) ? "not finite" : value.ToString(value < 1e5 ? "F2" : "0.00e0", CultureInfo.InvariantCulture);

    /// <summary>Nats, four decimals.</summary>
    public static string? Nats(double? value) => value?.ToString("F4", CultureInfo.InvariantCulture);

    /// <summary>A share in percent, one decimal.</summary>
    public static string? Percent(double? share) => (100 * share)?.ToString("F1", CultureInfo.InvariantCulture);

    /// <summary>Seconds, one decimal.</summary>
    public static string Seconds(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    /// <summary>Bytes in megabytes of 10⁶ bytes.</summary>
    public static string? Megabytes(long? bytes, int decimals = 0) => (bytes / Million)?.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>A relative error: four significant digits.</summary>
    public static string Error(double value) => value.ToString(value is 0 or >= 1e-4 and < 1e5 ? "0.0000" : "0.00e0", CultureInfo.InvariantCulture);
}
