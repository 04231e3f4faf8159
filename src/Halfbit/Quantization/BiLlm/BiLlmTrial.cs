namespace Halfbit.Quantization.BiLlm;

/// <summary>What is left open by the options and decided per layer.</summary>
/// <param name="Metric">The salience metric.</param>
/// <param name="Power">Power of the column sensitivities in searches and fits (<see cref="Steps.ColumnSensitivity"/>).</param>
internal readonly record struct BiLlmTrial(SalienceMetric Metric, double Power);
