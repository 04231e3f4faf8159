using Halfbit.Evaluation;
using Halfbit.Pipeline;
using Halfbit.Quantization;

namespace Halfbit.Reports;

/// <summary>A method that takes part in a comparison.</summary>
/// <param name="Name">What it is called in tables and plots; no two alike, and not <see cref="Comparison.OriginalName"/>.</param>
/// <param name="Method">The method.</param>
public sealed record Contestant(string Name, IQuantizationMethod Method);

/// <summary>A text to measure perplexity on.</summary>
/// <param name="Name">What it is called, e.g. its file.</param>
/// <param name="Tokens">The whole stream of token ids, BOS included.</param>
public sealed record EvaluationText(string Name, int[] Tokens);

/// <summary>What to compare, and how.</summary>
public sealed record ComparisonOptions
{
    /// <summary>Folder of the original model, in Hugging Face layout.</summary>
    public required string ModelFolder { get; init; }

    /// <summary>The methods, in the order of the rows.</summary>
    public required IReadOnlyList<Contestant> Contestants { get; init; }

    /// <summary>The texts; at least one.</summary>
    public required IReadOnlyList<EvaluationText> Texts { get; init; }

    /// <summary>Existing folder for the compressed models, each in a folder named after its contestant.</summary>
    public required string WorkFolder { get; init; }

    /// <summary>Whether the compressed models stay there; else each is removed as soon as it is measured.</summary>
    public bool KeepsModels { get; init; }

    /// <summary>Text file to calibrate on, UTF-8; null: text that the original model itself generates, once for all methods.</summary>
    public string? CalibrationFile { get; init; }

    /// <summary>Calibration sequences.</summary>
    /// <value>At least 1; default 128.</value>
    public int Samples { get; init; } = 128;

    /// <summary>Tokens per calibration sequence.</summary>
    /// <value>At least 2, at most the model's context; default 2048 or the model's context if that is shorter.</value>
    public int? SequenceLength { get; init; }

    /// <summary>Seed of the choice of windows or of the generated text.</summary>
    public long Seed { get; init; }

    /// <summary>Window and limit of the perplexities.</summary>
    public PerplexityOptions Perplexity { get; init; } = new();

    /// <summary>Zero-shot tasks to measure too, or null.</summary>
    public TaskComparison? Tasks { get; init; }

    /// <summary>Whether divergence from the original is measured too; the original then runs along with each model.</summary>
    public bool MeasuresDivergence { get; init; } = true;

    /// <summary>Given each model (first the original) with its contestant's name while its folder is open, or null.</summary>
    public Action<string, ModelFolder>? Visit { get; init; }
}
