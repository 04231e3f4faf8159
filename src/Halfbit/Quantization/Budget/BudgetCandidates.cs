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
        var candidates = new List<IQuantizationMethod>();
        foreach ((string Key, string Value)[] settings in SettingsOf(name, pattern.M))
        {
            var all = new Dictionary<string, string>(given, StringComparer.Ordinal);
            foreach ((string key, string value) in settings)
            {
                if (varied.Contains(key)) all[key] = value;
            }

            IQuantizationMethod candidate = MethodCatalog.Create(name, all);
            if (!candidates.Exists(c => c.Options.All(o => candidate.Options[o.Key] == o.Value))) candidates.Add(candidate);
        }

        var shown = new SortedDictionary<string, string>(StringComparer.Ordinal) { [OptionName] = budget.ToString("R", CultureInfo.InvariantCulture) };
        foreach ((string key, string value) in common.Options)
        {
            if (!varied.Contains(key) || given.ContainsKey(key)) shown[key] = value;
        }

        return new BudgetedMethod(budget, common, candidates, shown, storedBytes);
    }

    private static string[] Varied(string name) => name switch
    {
        "stbllm" => [Keep, Groups, SalientColumns],
        "arb-llm" => [Groups, SalientColumns, Bitmap],
        _ => [Groups, SalientColumns],
    };

    private static IEnumerable<(string Key, string Value)[]> SettingsOf(string name, int run)
    {
        foreach (int groups in (int[])[1, 2, 3])
        {
            foreach (int columns in Columns(name))
            {
                (string, string)[] both = [(Groups, OptionText.Of(groups)), (SalientColumns, OptionText.Of(columns))];
                if (name == "stbllm")
                {
                    foreach (int eighths in (int[])[2, 3, 4, 5, 6, 7, 8])
                        yield return [.. both, (Keep, new NOfM(Math.Max(1, ((eighths * run) + 4) / 8), run).ToString())];
                }
                else if (name == "arb-llm")
                {
                    yield return [.. both, (Bitmap, "off")];
                    if (columns > 0) yield return [.. both, (Bitmap, "on")];
                }
                else
                {
                    yield return both;
                }
            }
        }
    }

    private static int[] Columns(string name) => name switch { "stbllm" => [0, 4], "arb-llm" => [0, 8, 49], _ => [0, 4, 49] };

    private static void Refuse(Dictionary<string, string> given, string name, string needed)
    {
        if (given.TryGetValue(name, out string? value) && value != needed)
            throw new OptionException($"--{name} is '{value}', but --{OptionName} chooses the settings of layers itself and needs {needed}; leave one of them out");
    }
}
