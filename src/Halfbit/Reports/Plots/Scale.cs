namespace Halfbit.Reports;

/// <summary>Maps values to places along an axis.</summary>
/// <param name="Low">Lowest value shown.</param>
/// <param name="High">Highest value shown, above the lowest.</param>
/// <param name="From">Place of the lowest value.</param>
/// <param name="To">Place of the highest value; above or below <paramref name="From"/>.</param>
/// <param name="IsLogarithmic">Whether equal distances are equal ratios; values must then be positive.</param>
internal sealed record Scale(double Low, double High, double From, double To, bool IsLogarithmic)
{
    /// <summary>From zero to a little above the largest value.</summary>
    public static Scale FromZero(IEnumerable<double> values, double from, double to)
    {
        double high = values.Where(double.IsFinite).DefaultIfEmpty(1).Max();
        return new Scale(0, high > 0 ? high * 1.05 : 1, from, to, IsLogarithmic: false);
    }

    /// <summary>Around the values, with some room on both sides.</summary>
    /// <param name="values">At least one.</param>
    /// <param name="from">Place of the lowest value.</param>
    /// <param name="to">Place of the highest value.</param>
    /// <param name="isLogarithmic">Whether the axis is logarithmic; values must then be positive.</param>
    /// <param name="room">Share of the range added on each side.</param>
    public static Scale Around(IReadOnlyCollection<double> values, double from, double to, bool isLogarithmic, double room = 0.08)
    {
        double low = values.Min();
        double high = values.Max();
        if (isLogarithmic)
        {
            double ratio = Math.Pow(high > low ? high / low : 2, room);
            return new Scale(low / ratio, high * ratio, from, to, true);
        }

        double margin = high > low ? (high - low) * room : Math.Max(Math.Abs(high) * 0.1, 0.1);
        return new Scale(low - margin, high + margin, from, to, false);
    }

    /// <summary>The place of a value.</summary>
    public double At(double value)
    {
        double share = IsLogarithmic ? Math.Log(value / Low) / Math.Log(High / Low) : (value - Low) / (High - Low);
        return From + (share * (To - From));
    }

    /// <summary>Round values to mark.</summary>
    public double[] Ticks(int most) => IsLogarithmic ? Reports.Ticks.Logarithmic(Low, High, most) : Reports.Ticks.Linear(Low, High, most);
}
