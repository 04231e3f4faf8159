using Halfbit.Quantization;

namespace Halfbit.Pipeline;

/// <summary>What a quantization job is to do.</summary>
public sealed record QuantizationJobOptions
{
    /// <summary>Folder of the model to compress, in Hugging Face layout.</summary>
    public required string ModelFolder { get; init; }

    /// <summary>Folder to write. It is complete or absent; a partial job lives in a folder of the same name with <c>.partial</c> appended.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>The method.</summary>
    public required IQuantizationMethod Method { get; init; }

    /// <summary>Text file to calibrate on, UTF-8; null: text that the original model itself generates.</summary>
    public string? CalibrationFile { get; init; }

    /// <summary>Calibration sequences.</summary>
    /// <value>At least 1; default 128, as in the papers.</value>
    public int Samples { get; init; } = 128;

    /// <summary>Tokens per calibration sequence.</summary>
    /// <value>At least 2, at most the model's context; default 2048 or the model's context if that is shorter.</value>
    public int? SequenceLength { get; init; }

    /// <summary>Seed of the choice of windows or of the generated text.</summary>
    public long Seed { get; init; }

    /// <summary>Whether to go on with a partial job.</summary>
    public bool Resume { get; init; }

    /// <summary>Whether an existing output folder, or a partial job, may be replaced.</summary>
    public bool Overwrite { get; init; }
}
