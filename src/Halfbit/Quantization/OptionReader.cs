using System.Globalization;
using Halfbit.Representation;

namespace Halfbit.Quantization;

/// <summary>Reads a method's options from text by their command-line names, checks ranges, and refuses what the method does not know.</summary>
internal sealed class OptionReader(string method, IReadOnlyDictionary<string, string> options)
{
    private readonly SortedSet<string> known = new(StringComparer.Ordinal);

    /// <summary>Whether the option was given.</summary>
    public bool Has(string name)
    {
        known.Add(name);
        return options.ContainsKey(name);
    }

    /// <summary>An integer of a range.</summary>
    public int Integer(string name, int fallback, int lowest, int highest, int? alsoAllowed = null)
    {
        if (!Has(name)) return fallback;
        if (!int.TryParse(options[name], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            || ((value < lowest || value > highest) && value != alsoAllowed))
        {
            string also = alsoAllowed is null ? string.Empty : $", or {alsoAllowed}";
            throw Bad(name, highest == int.MaxValue ? $"an integer of at least {lowest}{also}" : $"an integer from {lowest} to {highest}{also}");
        }

        return value;
    }

    /// <summary>A number of a range, both ends allowed.</summary>
    public double Number(string name, double fallback, double lowest, double highest)
    {
        if (!Has(name)) return fallback;
        if (!double.TryParse(options[name], NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !(value >= lowest && value <= highest))
            throw Bad(name, string.Create(CultureInfo.InvariantCulture, $"a number from {lowest} to {highest}"));
        return value;
    }

    /// <summary>A pattern N:M, N of every M weights kept.</summary>
    public NOfM Pattern(string name, NOfM fallback)
    {
        if (!Has(name)) return fallback;
        string[] parts = options[name].Split(':');
        if (parts.Length != 2
            || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int n)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int m)
            || n < 1 || n > m || m > NOfM.LargestRun)
        {
            throw Bad(name, $"N:M, N kept of every M weights with 1 <= N <= M <= {NOfM.LargestRun}, as in 4:8");
        }

        return new NOfM(n, m);
    }

    /// <summary>on or off.</summary>
    public bool Switch(string name, bool fallback) => Choice(name, fallback ? "on" : "off", ["on", "off"]) == "on";

    /// <summary>One of several words.</summary>
    public string Choice(string name, string fallback, IReadOnlyList<string> choices)
    {
        if (!Has(name)) return fallback;
        return choices.Contains(options[name]) ? options[name] : throw Bad(name, "one of " + string.Join(", ", choices));
    }

    /// <summary>Throws when an option was given that nothing has asked for.</summary>
    public void RefuseUnknown()
    {
        foreach (string name in options.Keys.Order(StringComparer.Ordinal))
        {
            if (!known.Contains(name)) throw new OptionException($"method {method} has no option --{name}; it has: {string.Join(", ", known.Select(k => "--" + k))}");
        }
    }

    private OptionException Bad(string name, string expected) => new($"--{name} is '{options[name]}', expected {expected}");
}
