using Halfbit.Quantization.ArbLlm;
using Halfbit.Quantization.BiLlm;
using Halfbit.Quantization.Binarization;
using Halfbit.Quantization.Budget;
using Halfbit.Quantization.PbLlm;
using Halfbit.Quantization.RoundToNearest;
using Halfbit.Quantization.StbLlm;
using Halfbit.Representation;

namespace Halfbit.Quantization;

/// <summary>All methods by name, and their making from options given as text.</summary>
public static class MethodCatalog
{
    /// <summary>What the packed format can tell apart from the whole row.</summary>
    private const int LargestGroup = 1 << 30;

    private static readonly (string Name, string Summary, Func<OptionReader, IQuantizationMethod> Make)[] Methods =
    [
        ("pb-llm", "a salient share at 8 bit, the rest binarized (arXiv 2310.00034)", PartialBinarization),
        ("arb-llm", "grouped signs with alternately refined levels (arXiv 2410.03129)", AlternatingRefinement),
        ("billm", "salient columns with a residual plane, the rest in two groups (arXiv 2402.04291)", SalientBinarization),
        ("stbllm", "an N:M share of the weights, binarized in four groups (arXiv 2408.01803)", SparseBinarization),
        ("gptq", "round to a grid with error feedback (arXiv 2210.17323)", o => Rounding(o, isGptq: true)),
        ("rtn", "round to nearest, no feedback", o => Rounding(o, isGptq: false)),
        ("xnor", "one sign per weight, scale and mean per row or group", o => Binarization(o, hasMean: true)),
        ("sign", "one sign per weight, scale per row or group", o => Binarization(o, hasMean: false)),
    ];

    /// <summary>Names and one-line summaries of all methods.</summary>
    public static IReadOnlyList<(string Name, string Summary)> All { get; } = [.. Methods.Select(m => (m.Name, m.Summary))];

    /// <summary>Makes a method.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">Option values by command-line name without dashes; switches are "on" or "off".</param>
    /// <param name="storedBytes">Bytes that a matrix takes in a file; only <c>bits-budget</c> needs it, since methods know no bit layout.</param>
    /// <exception cref="OptionException">The method or an option is unknown, or a value is out of range.</exception>
    /// <exception cref="ArgumentNullException">A budget without <paramref name="storedBytes"/>.</exception>
    public static IQuantizationMethod Create(string name, IReadOnlyDictionary<string, string> options, Func<QuantizedMatrix, long>? storedBytes = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.ContainsKey(BudgetCandidates.OptionName) && BudgetCandidates.IsFor(name)) return BudgetCandidates.MethodOf(name, options, storedBytes);
        foreach ((string known, _, Func<OptionReader, IQuantizationMethod> make) in Methods)
        {
            if (known != name) continue;
            var reader = new OptionReader(name, options);
            IQuantizationMethod method = make(reader);
            reader.RefuseUnknown();
            return method;
        }

        throw new OptionException($"there is no method '{name}'; methods: {string.Join(", ", Methods.Select(m => m.Name))}");
    }

    private static PbLlm.PbLlm PartialBinarization(OptionReader read)
    {
        if (read.Has("salient") && read.Has("low-frac")) throw new OptionException("--salient and --low-frac say the same thing; give one of them");
        double lowFraction = read.Has("low-frac") ? read.Number("low-frac", 0.9, 0, 1) : 1 - read.Number("salient", 0.1, 0, 1);
        PbLlmOptions strict = new() { Variant = QuantizationVariant.Strict, SalientColumns = true };
        PbLlmOptions defaults = Shared(read, Preset(read, new PbLlmOptions(), new PbLlmOptions { Variant = QuantizationVariant.Released }, strict));
        bool areColumns = read.Choice("salient-unit", defaults.SalientColumns ? "column" : "weight", ["weight", "column"]) == "column";
        if (areColumns && defaults.Variant == QuantizationVariant.Released) throw new OptionException("--salient-unit is 'column', but the authors' program chooses single weights; leave out --variant released");
        return new PbLlm.PbLlm(defaults with
        {
            LowFraction = lowFraction,
            SalientColumns = areColumns,
            Salience = read.Choice("salience", "hessian", ["hessian", "magnitude"]) == "hessian" ? SalienceMetric.Hessian : SalienceMetric.Magnitude,
            SalientBits = read.Integer("salient-bits", 8, 2, 8),
            Low = PbLlmNames.TryParse(read.Choice("low", "xnor", PbLlmNames.Names))!.Value,
        });
    }

    private static ArbLlm.ArbLlm AlternatingRefinement(OptionReader read)
    {
        ArbLlmOptions defaults = Preset(read, new ArbLlmOptions(), ArbLlmOptions.Released, ArbLlmOptions.Strict);
        int partitions = read.Integer("partitions", defaults.Partitions, 1, 3);
        if (defaults.Variant != QuantizationVariant.Strict) defaults = defaults with { Groups = partitions + 1 };
        return new ArbLlm.ArbLlm(BlockOptionText.Read(read, Shared(read, defaults), "arb-llm") with
        {
            Refine = ArbLlmNames.Parse(read.Choice("refine", ArbLlmNames.Of(defaults.Refine), ArbLlmNames.All)),
            ColumnGroupBitmap = read.Switch("column-group-bitmap", defaults.ColumnGroupBitmap),
            Partitions = partitions,
            Iterations = read.Integer("iterations", defaults.Iterations, 0, 1000),
        });
    }

    private static BiLlm.BiLlm SalientBinarization(OptionReader read)
        => new(BlockOptionText.Read(read, Shared(read, Preset(read, new BiLlmOptions(), BiLlmOptions.Released, BiLlmOptions.Strict)), "billm"));

    private static StbLlm.StbLlm SparseBinarization(OptionReader read)
    {
        StbLlmOptions defaults = Preset(read, new StbLlmOptions(), StbLlmOptions.Released, StbLlmOptions.Strict);
        return new StbLlm.StbLlm(StbLlmNames.Read(read, BlockOptionText.Read(read, Shared(read, defaults), "stbllm")));
    }

    private static RoundToNearest.RoundToNearest Rounding(OptionReader read, bool isGptq)
    {
        RoundToNearestOptions options = Shared(read, new RoundToNearestOptions { Compensation = isGptq });
        if (!isGptq && options.Compensation) throw new OptionException("rtn rounds without error feedback; with it the method is called gptq");
        return new RoundToNearest.RoundToNearest(options with { Bits = read.Integer("bits", 2, 1, 8), Symmetric = read.Switch("symmetric", false) });
    }

    private static PlainBinarization Binarization(OptionReader read, bool hasMean)
        => new(Shared(read, new PlainBinarizationOptions { HasMean = hasMean }));

    private static T Shared<T>(OptionReader read, T defaults)
        where T : MethodOptions
        => defaults with
        {
            GroupSize = read.Integer("group-size", defaults.GroupSize, 1, LargestGroup, alsoAllowed: -1),
            BlockSize = read.Integer("block-size", defaults.BlockSize, 1, int.MaxValue),
            DampingFraction = read.Number("damping", defaults.DampingFraction, 1e-9, 1e3),
            Compensation = read.Switch("compensation", defaults.Compensation),
            Variant = defaults.Variant == QuantizationVariant.Default ? VariantOf(read, ["default", "released"]) : defaults.Variant,
        };

    /// <summary>The defaults of the variant that was asked for.</summary>
    private static T Preset<T>(OptionReader read, T defaults, T released, T strict) => VariantOf(read, ["default", "released", "strict"]) switch
    {
        QuantizationVariant.Released => released,
        QuantizationVariant.Strict => strict,
        _ => defaults,
    };

    private static QuantizationVariant VariantOf(OptionReader read, string[] known) => read.Choice("variant", "default", known) switch
    {
        "released" => QuantizationVariant.Released,
        "strict" => QuantizationVariant.Strict,
        _ => QuantizationVariant.Default,
    };
}
