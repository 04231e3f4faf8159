using System.Globalization;
using Halfbit.Representation;

namespace Halfbit.Quantization.Budget;

/// <summary>The settings among which a budget chooses, by method; settings that were given are not varied.</summary>
internal static class BudgetCandidates
{
    /// <summary>Name of the option.</summary>
    public const string OptionName = "bits-budget";

    private const string Keep = "keep";
    private const string Groups = "groups";
    private const string SalientColumns = "salient-columns";
    private const string Bitmap = "column-group-bitmap";

    /// <summary>Whether a method can be given a budget.</summary>
    public static bool IsFor(string method) => method is "billm" or "stbllm" or "arb-llm";

    /// <summary>Makes the method with its candidates.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">Options as text, the budget among them.</param>
    /// <param name="storedBytes">Bytes that a matrix takes.</param>
    /// <exception cref="OptionException">An option is wrong or says the contrary of a budget.</exception>
    public static BudgetedMethod MethodOf(string name, IReadOnlyDictionary<string, string> options, Func<QuantizedMatrix, long>? storedBytes)
    {
        var reader = new OptionReader(name, options);
        double budget = reader.Number(OptionName, 1, 0.5, 16);
        Dictionary<string, string> given = options.Where(o => o.Key != OptionName).ToDictionary(StringComparer.Ordinal);
        Refuse(given, "variant", "default");
        Refuse(given, "feedback", "columns");
        Refuse(given, "adaptive", "off");
        IQuantizationMethod common = MethodCatalog.Create(name, given);
        ArgumentNullException.ThrowIfNull(storedBytes);

        // A pattern that was given decides M alone.
        NOfM pattern = new OptionReader(name, given).Pattern(Keep, new NOfM(4, 8));
        string[] varied = [.. Varied(name).Where(key => key == Keep || !given.ContainsKey(key))];
        IQuantizationMethod Of((int Groups, int Columns, int Eighths) shape)
        {
            var all = new Dictionary<string, string>(given, StringComparer.Ordinal);
            foreach ((string key, string value) in SettingsOf(shape, pattern.M))
            {
                if (varied.Contains(key)) all[key] = value;
            }

            return MethodCatalog.Create(name, all);
        }

        var candidates = new List<IQuantizationMethod>();
        foreach (IQuantizationMethod candidate in ShapesOf(name).Select(Of))
        {
            if (!candidates.Exists(c => c.Options.All(o => candidate.Options[o.Key] == o.Value))) candidates.Add(candidate);
        }

        var shown = new SortedDictionary<string, string>(StringComparer.Ordinal) { [OptionName] = budget.ToString("R", CultureInfo.InvariantCulture) };
        foreach ((string key, string value) in common.Options)
        {
            if (!varied.Contains(key) || given.ContainsKey(key)) shown[key] = value;
        }

        return new BudgetedMethod(budget, common, candidates, Of((1, 0, 4)), shown, storedBytes);
    }

    private static string[] Varied(string name) => name switch
    {
        "stbllm" => [Keep, Groups, SalientColumns],
        "arb-llm" => [Groups, SalientColumns, Bitmap],
        _ => [Groups, SalientColumns],
    };

    private static (string Key, string Value)[] SettingsOf((int Groups, int Columns, int Eighths) shape, int run) =>
    [
        (Groups, OptionText.Of(shape.Groups)),
        (SalientColumns, OptionText.Of(shape.Columns)),
        (Keep, new NOfM(Math.Max(1, ((shape.Eighths * run) + 4) / 8), run).ToString()),
        (Bitmap, OptionText.Of(shape is { Groups: 3, Columns: > 0 })),
    ];

    /// <summary>What lies on the lower hull of bytes and weighted errors of most layers; the rest of the grid gained next to nothing.</summary>
    private static (int Groups, int Columns, int Eighths)[] ShapesOf(string name) => name switch
    {
        "stbllm" => [(1, 0, 2), (1, 0, 3), (1, 0, 4), (1, 0, 5), (1, 4, 4), (2, 0, 6), (2, 0, 8), (3, 0, 7), (3, 0, 8), (3, 4, 7)],
        "billm" => [(1, 0, 8), (1, 49, 8), (2, 0, 8), (2, 49, 8), (3, 0, 8), (3, 4, 8)],
        _ => [(1, 0, 8), (1, 49, 8), (2, 0, 8), (2, 49, 8), (3, 0, 8), (3, 49, 8)],
    };

    private static void Refuse(Dictionary<string, string> given, string name, string needed)
    {
        if (given.TryGetValue(name, out string? value) && value != needed)
            throw new OptionException($"--{name} is '{value}', but --{OptionName} chooses the settings of layers itself and needs {needed}; leave one of them out");
    }
}
