using System.Globalization;

namespace Halfbit.Reports;

/// <summary>Round numbers for axes.</summary>
internal static class Ticks
{
    /// <summary>Multiples of 1, 2 or 5 times a power of ten inside a range.</summary>
    /// <param name="low">Lower end.</param>
    /// <param name="high">Upper end, above the lower one.</param>
    /// <param name="most">Most ticks wanted, ≥ 2.</param>
    public static double[] Linear(double low, double high, int most)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10((high - low) / most)));
        foreach (double step in (double[])[1, 2, 5, 10, 20, 50, 100])
        {
            double[] ticks = Multiples(low, high, step * power);
            if (ticks.Length <= most) return ticks;
        }

        return [];
    }

    /// <summary>Round numbers on a logarithmic range: powers of ten, with others between them the shorter the range is; plain multiples where it is shorter still.</summary>
    public static double[] Logarithmic(double low, double high, int most)
    {
        foreach (double[] mantissas in (double[][])[[1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]])
        {
            double[] ticks = [.. Decades(low, high).SelectMany(decade => mantissas.Select(m => Round(m * decade))).Where(t => t >= low && t <= high)];
            if (ticks.Length <= most) return ticks.Length >= 3 ? ticks : Linear(low, high, most);
        }

        double[] powers = [.. Decades(low, high).Where(t => t >= low && t <= high)];
        int every = (powers.Length + most - 1) / most;
        return [.. powers.Where((_, k) => k % every == 0)];
    }

    /// <summary>A tick's label: short, the same number when read back.</summary>
    public static string Text(double tick)
    {
        double size = Math.Abs(tick);
        return size is > 0 and (>= 1e6 or < 1e-4) ? tick.ToString("0.##e0", CultureInfo.InvariantCulture) : tick.ToString("0.######", CultureInfo.InvariantCulture);
    }

    private static IEnumerable<double> Decades(double low, double high)
    {
        for (double exponent = Math.Floor(Math.Log10(low)); exponent <= Math.Ceiling(Math.Log10(high)); exponent++) yield return Math.Pow(10, exponent);
    }

    private static double[] Multiples(double low, double high, double step)
    {
        const double Slack = 1e-9;
        var first = (long)Math.Ceiling((low / step) - Slack);
        var last = (long)Math.Floor((high / step) + Slack);
        return [.. Enumerable.Range(0, (int)Math.Clamp(last - first + 1, 0, 10_000)).Select(k => Round((first + k) * step))];
    }

    /// <summary>Takes the dust of binary fractions off: 0.30000000000000004 is 0.3.</summary>
    private static double Round(double value) => double.Parse(value.ToString("G12", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
