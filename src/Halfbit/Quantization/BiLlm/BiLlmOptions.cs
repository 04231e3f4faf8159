namespace Halfbit.Quantization.BiLlm;

/// <summary>Options of BiLLM.</summary>
public sealed record BiLlmOptions : BlockMethodOptions
{
    /// <summary>Our form of the method.</summary>
    public BiLlmOptions()
    {
        Salience = SalienceMetric.Auto;
        Search = SearchObjective.Weights;
        Feedback = BlockFeedback.Exact;
        Fit = LevelFit.Sensitivity;
    }

    /// <summary>What the authors' program does with its published settings.</summary>
    public static BiLlmOptions Released { get; } = new()
    {
        Variant = QuantizationVariant.Released,
        Salience = SalienceMetric.Hessian,
        Search = SearchObjective.Scores,
        Feedback = BlockFeedback.Diagonal,
        Fit = LevelFit.Plain,
    };
}
