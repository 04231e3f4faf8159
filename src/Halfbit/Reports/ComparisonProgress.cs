using Halfbit.Evaluation;
using Halfbit.Pipeline;

namespace Halfbit.Reports;

/// <summary>A step of a comparison: of a job, or of a measurement.</summary>
/// <param name="Name">The model at work; the original's name while the shared calibration is made.</param>
/// <param name="Job">The step of its compression, or null.</param>
/// <param name="Text">The text it is measured on, or null.</param>
/// <param name="Evaluation">How far that measurement is.</param>
/// <param name="Tasks">How far the zero-shot tasks are, or null.</param>
public readonly record struct ComparisonProgress(string Name, QuantizationProgress? Job, string? Text = null, PerplexityProgress Evaluation = default, TaskRunProgress? Tasks = null);
