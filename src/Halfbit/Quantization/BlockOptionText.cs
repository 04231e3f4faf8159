using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization;

/// <summary>The options of block methods from and to text, by their command-line names.</summary>
internal static class BlockOptionText
{
    private static readonly (string Name, SearchObjective Value)[] Searches = [("scores", SearchObjective.Scores), ("weights", SearchObjective.Weights)];

    private static readonly (string Name, BlockFeedback Value)[] Feedbacks =
        [("diagonal", BlockFeedback.Diagonal), ("exact", BlockFeedback.Exact), ("columns", BlockFeedback.Columns)];

    private static readonly (string Name, LevelFit Value)[] Fits = [("plain", LevelFit.Plain), ("sensitivity", LevelFit.Sensitivity)];

    private static readonly (string Name, SalienceMetric Value)[] Metrics =
        [("hessian", SalienceMetric.Hessian), ("magnitude", SalienceMetric.Magnitude), ("auto", SalienceMetric.Auto)];

    /// <summary>Reads what all block methods share.</summary>
    /// <param name="read">Options as text.</param>
    /// <param name="options">The options that all methods share, already read; the rest are this variant's defaults.</param>
    /// <param name="method">The method's name, for messages.</param>
    /// <exception cref="OptionException">A value is unknown, or the released program has no such choice.</exception>
    public static T Read<T>(OptionReader read, T options, string method)
        where T : BlockMethodOptions
    {
        if (read.Has("block-size") && options.BlockSize != options.GroupSize)
        {
            throw new OptionException(
                $"--block-size is {options.BlockSize}, --group-size {options.GroupSize}; {method} quantizes a group of columns as one block, so give only --group-size, or the same number twice");
        }

        T resolved = options with
        {
            BlockSize = options.GroupSize == -1 ? int.MaxValue : options.GroupSize,
            Salience = Choice(read, "salience", options.Salience, Metrics),
            Search = Choice(read, "search", options.Search, Searches),
            Feedback = Choice(read, "feedback", options.Feedback, Feedbacks),
            Fit = Choice(read, "fit", options.Fit, Fits),
            HasMeans = read.Switch("means", options.HasMeans),
            ScaleBits = read.Choice("scale-bits", OptionText.Of(options.ScaleBits), ["8", "16"]) == "8" ? 8 : 16,
            MostSalient = read.Integer("salient-columns", options.MostSalient, 0, SalientColumnSearch.Most),
            Groups = read.Integer("groups", options.Groups, 1, 4),
        };
        if (resolved.Feedback != BlockFeedback.Columns && (resolved.MostSalient != SalientColumnSearch.Most || resolved.Groups != options.Groups))
            throw new OptionException("--salient-columns and --groups need --feedback columns");
        if (options.Variant == QuantizationVariant.Released) RefuseDepartures(resolved, options);
        return resolved;
    }

    /// <summary>Their text, beside what all methods share and further options.</summary>
    public static IReadOnlyDictionary<string, string> Of(BlockMethodOptions options, params ReadOnlySpan<(string Key, string Value)> more) => OptionText.Of(
        options,
        [
            ("damping", OptionText.Of(options.DampingFraction)),
            ("salience", NameOf(options.Salience, Metrics)),
            ("search", NameOf(options.Search, Searches)),
            ("feedback", NameOf(options.Feedback, Feedbacks)),
            ("fit", NameOf(options.Fit, Fits)),
            ("means", OptionText.Of(options.HasMeans)),
            ("scale-bits", OptionText.Of(options.ScaleBits)),
            ("salient-columns", OptionText.Of(options.MostSalient)),
            ("groups", OptionText.Of(options.Groups)),
            .. more,
        ]);

    private static void RefuseDepartures(BlockMethodOptions given, BlockMethodOptions released)
    {
        Refuse("search", NameOf(given.Search, Searches), NameOf(released.Search, Searches));
        Refuse("feedback", NameOf(given.Feedback, Feedbacks), NameOf(released.Feedback, Feedbacks));
        Refuse("fit", NameOf(given.Fit, Fits), NameOf(released.Fit, Fits));
        Refuse("means", OptionText.Of(given.HasMeans), OptionText.Of(released.HasMeans));
        Refuse("scale-bits", OptionText.Of(given.ScaleBits), OptionText.Of(released.ScaleBits));
        Refuse("salient-columns", OptionText.Of(given.MostSalient), OptionText.Of(released.MostSalient));
        Refuse("groups", OptionText.Of(given.Groups), OptionText.Of(released.Groups));
        if (given.Salience == SalienceMetric.Auto) Refuse("salience", "auto", "hessian or magnitude");
    }

    private static void Refuse(string name, string given, string released)
    {
        if (given != released) throw new OptionException($"--{name} is '{given}', but --variant released is what the authors' program does: {released}; leave one of them out");
    }

    private static T Choice<T>(OptionReader read, string name, T fallback, (string Name, T Value)[] choices)
        where T : struct, Enum
    {
        string chosen = read.Choice(name, NameOf(fallback, choices), Array.ConvertAll(choices, c => c.Name));
        return Array.Find(choices, c => c.Name == chosen).Value;
    }

    private static string NameOf<T>(T value, (string Name, T Value)[] choices)
        where T : struct, Enum
        => Array.Find(choices, c => EqualityComparer<T>.Default.Equals(c.Value, value)).Name;
}
