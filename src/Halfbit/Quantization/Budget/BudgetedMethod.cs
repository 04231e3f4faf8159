using System.Globalization;
using System.Text.Json.Nodes;
using Halfbit.Numerics;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.Budget;

/// <summary>A method whose settings are chosen for each layer, so that the whole model has a given number of true bits per weight and the least error.</summary>
/// <remarks>
/// A survey tries every candidate on every layer of the original model, and asks what one of these errors does to the model; the plan minimises the sum of the damages, taking
/// that of a layer as proportional to its weighted error.
/// </remarks>
/// <param name="budget">True bits per weight, &gt; 0.</param>
/// <param name="common">The method with what was given.</param>
/// <param name="candidates">The same with the settings to choose from, at least one.</param>
/// <param name="probe">A setting whose errors stand for theirs.</param>
/// <param name="options">Options as text, without what is chosen.</param>
/// <param name="storedBytes">Bytes that a matrix takes.</param>
internal sealed class BudgetedMethod(
    double budget, IQuantizationMethod common, IReadOnlyList<IQuantizationMethod> candidates, IQuantizationMethod probe, IReadOnlyDictionary<string, string> options, Func<QuantizedMatrix, long> storedBytes) : IPlannedMethod
{
    /// <summary>Share of the budget that stays free for what estimates of bytes miss.</summary>
    private const double Reserve = 0.003;

    /// <summary>Share beyond the budget that is worth a remark.</summary>
    private const double Tolerance = 0.005;

    /// <summary>Bytes of a layer's entry in the header of the file, beside its name.</summary>
    private const int EntryBytes = 72;

    private const string LayersField = "layers";

    /// <inheritdoc/>
    public string Name => common.Name;

    /// <inheritdoc/>
    public bool NeedsHessian => common.NeedsHessian;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Options => options;

    /// <inheritdoc/>
    public bool NeedsSurvey => true;

    /// <inheritdoc/>
    public bool SurveyNeedsHessian => true;

    /// <inheritdoc/>
    public JsonObject Survey(IReadOnlyList<SurveyedLayer> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        return new JsonObject { [LayersField] = new JsonArray([.. layers.Select(l => SurveyOf(l, EntryBytes + l.Name.Length))]) };
    }

    /// <inheritdoc/>
    public MethodPlan Plan(IReadOnlyList<JsonObject> surveys)
    {
        ArgumentNullException.ThrowIfNull(surveys);
        JsonObject[] layers = [.. surveys.SelectMany(s => s[LayersField]!.AsArray()).Select(l => l!.AsObject())];
        double weights = layers.Sum(WeightsOf);
        BudgetPoint[][] points = [.. layers.Select(PointsOf)];
        long most = (long)(budget * weights / 8);
        long least = BudgetChoice.LeastBytes(points);
        if (least > most)
        {
            double needed = Math.Ceiling(800.0 * least / weights) / 100;
            throw new NumericsException(string.Create(
                CultureInfo.InvariantCulture, $"--bits-budget {budget} cannot be met: the least is {needed} bits per weight with {Name} on these layers; raise it to {needed} or more"));
        }

        int[] chosen = BudgetChoice.Of(points, Math.Max(least, (long)(most * (1 - Reserve))));
        return new MethodPlan(layers.Select((l, k) => ((string)l["name"]!, candidates[chosen[k]])).ToDictionary(p => p.Item1, p => p.Item2));
    }

    /// <inheritdoc/>
    public string? Remark(double trueBits) => trueBits <= budget * (1 + Tolerance)
        ? null
        : string.Create(CultureInfo.InvariantCulture, $"--bits-budget {budget}: the layers have {trueBits:F3} bits per weight, more than the survey foretold");

    /// <summary>Chooses for one layer by itself, as if it were the model; the entry in a file's header does not count.</summary>
    /// <inheritdoc/>
    public LayerResult Quantize(Matrix W, LayerStatistics? statistics, ScaleFormat format)
    {
        ArgumentNullException.ThrowIfNull(W);
        var survey = new JsonObject { [LayersField] = new JsonArray(SurveyOf(new SurveyedLayer(string.Empty, W, [], statistics), 0)) };
        IQuantizationMethod method = Plan([survey]).Methods[string.Empty];
        return method.Quantize(W, statistics, format) with { Chosen = method.Options.Where(o => !options.ContainsKey(o.Key)).ToDictionary() };
    }

    private JsonObject SurveyOf(SurveyedLayer layer, int entryBytes) => new()
    {
        ["name"] = layer.Name,
        ["rows"] = layer.Weights.Rows,
        ["columns"] = layer.Weights.Columns,
        ["candidates"] = new JsonArray([.. LayerTrial.Of(layer, candidates, probe, storedBytes).Select(p => new JsonObject { ["bytes"] = p.Bytes + entryBytes, ["damage"] = p.Cost })]),
    };

    private static double WeightsOf(JsonObject layer) => (double)(int)layer["rows"]! * (int)layer["columns"]!;

    private static BudgetPoint[] PointsOf(JsonObject layer)
        => [.. layer["candidates"]!.AsArray().Select(c => new BudgetPoint((long)c!["bytes"]!, (double)c["damage"]!))];
}
