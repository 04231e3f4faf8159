using System.Text.Json.Nodes;
using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Quantization;

/// <summary>A linear layer of the original model, as a survey sees it.</summary>
/// <param name="Name">Name in the checkpoint, without <c>.weight</c>.</param>
/// <param name="Weights">[out, in], original weights; expanded by the survey when it needs them, one layer at a time.</param>
/// <param name="FeatureSquaredNorm">[in], Σ x² over tokens ÷ sequences of each input feature.</param>
/// <param name="Statistics">With the Hessian; null unless <see cref="IPlannedMethod.SurveyNeedsHessian"/>. Layers that read the same input share one instance.</param>
public sealed record SurveyedLayer(string Name, IWeightRows Weights, float[] FeatureSquaredNorm, LayerStatistics? Statistics)
{
    /// <summary>The damage that other weights, [out, in], would do to the model: about four times as much for twice the error. Null unless <see cref="IPlannedMethod.SurveyNeedsHessian"/>.</summary>
    public Func<IWeightRows, double>? DamageOf { get; init; }
}

/// <summary>Which method each layer of a model gets.</summary>
/// <param name="Methods">By the layer's name; the planned method itself quantizes layers that are not named.</param>
public sealed record MethodPlan(IReadOnlyDictionary<string, IQuantizationMethod> Methods)
{
    /// <summary>What was planned instead of what was asked, one line each. Empty when all went as asked.</summary>
    public IReadOnlyList<string> Fallbacks { get; init; } = [];
}

/// <summary>A method that looks at the whole original model before any layer is quantized, and then chooses the options of each layer.</summary>
/// <remarks>Pure like <see cref="IQuantizationMethod"/>: a survey depends on its block and the original model alone, the plan on the surveys alone.</remarks>
public interface IPlannedMethod : IQuantizationMethod
{
    /// <summary>Whether the method, with its options, wants the survey at all.</summary>
    bool NeedsSurvey { get; }

    /// <summary>Whether the survey needs Hessians, which cost about as much as the pass through the model itself, and can ask what errors of a layer do to the model.</summary>
    bool SurveyNeedsHessian { get; }

    /// <summary>Looks at one decoder block.</summary>
    /// <param name="layers">All linear layers of the block, in the order of a forward pass; valid during the call only.</param>
    /// <returns>What the plan has to know of the block: small, and the same after it was written as JSON text and read again.</returns>
    JsonObject Survey(IReadOnlyList<SurveyedLayer> layers);

    /// <summary>Chooses each layer's method.</summary>
    /// <param name="surveys">[blocks], the surveys of all decoder blocks.</param>
    /// <exception cref="NumericsException">No plan does what was asked.</exception>
    MethodPlan Plan(IReadOnlyList<JsonObject> surveys);

    /// <summary>Judges the finished job by what was asked.</summary>
    /// <param name="trueBits">Bits per weight over all quantized layers, everything stored counted.</param>
    /// <returns>One line where they differ; else null.</returns>
    string? Remark(double trueBits) => null;
}
