using Halfbit.Quantization;

namespace Halfbit.Training;

/// <summary>Which tensors a quantization-aware training changes besides the latent weights of the blocks' linear layers.</summary>
public enum TrainedTensors
{
    /// <summary>The biases of the linear layers, as in the released program.</summary>
    Linears,

    /// <summary>Biases, and the parameters of norms.</summary>
    Norms,

    /// <summary>Everything: embeddings and head, too, which then are stored in single precision.</summary>
    All,
}

/// <summary>A quantization-aware training by PB-LLM (arXiv 2310.00034).</summary>
public sealed record QatOptions
{
    /// <summary>Folder of the original model.</summary>
    public required string ModelFolder { get; init; }

    /// <summary>Folder to write; complete or absent.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>Text, steps and optimizer.</summary>
    public required TrainingOptions Training { get; init; }

    /// <summary>Share of the weights that is salient: frozen, and stored at 8 bit.</summary>
    /// <value>0 to 1; default 0.1.</value>
    public double SalientFraction { get; init; } = 0.1;

    /// <summary>What makes a weight salient.</summary>
    /// <value>Default: magnitude.</value>
    public SalienceMetric Salience { get; init; } = SalienceMetric.Magnitude;

    /// <summary>Share of the loss that is the divergence from the original model; the rest is cross-entropy.</summary>
    /// <value>0 to 1; default 0.9.</value>
    public double TeacherShare { get; init; } = 0.9;

    /// <summary>Temperature of the divergence.</summary>
    /// <value>&gt; 0; default 1.</value>
    public double Temperature { get; init; } = 1;

    /// <summary>What is trained besides the latent weights.</summary>
    /// <value>Default: norms.</value>
    public TrainedTensors Trained { get; init; } = TrainedTensors.Norms;

    /// <summary>Text for the Hessians of salience by the Hessian; null: the original model writes its own.</summary>
    public string? CalibrationFile { get; init; }

    /// <summary>Calibration sequences.</summary>
    /// <value>≥ 1; default 128.</value>
    public int CalibrationSamples { get; init; } = 128;

    /// <summary>Whether to go on with a partial job.</summary>
    public bool Resume { get; init; }

    /// <summary>Whether an existing output, or a partial job, may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <exception cref="TrainingException">A value is out of range.</exception>
    internal void Validate()
    {
        Training.Validate();
        if (!(SalientFraction is >= 0 and <= 1)) throw new TrainingException(FormattableString.Invariant($"--salient is {SalientFraction}, expected a share of the weights from 0 to 1"));
        if (!(TeacherShare is >= 0 and <= 1)) throw new TrainingException(FormattableString.Invariant($"--teacher is {TeacherShare}, expected a share of the loss from 0 to 1"));
        if (!(Temperature > 0 && double.IsFinite(Temperature))) throw new TrainingException(FormattableString.Invariant($"--temperature is {Temperature}, expected a number above 0"));
        if (CalibrationSamples < 1) throw new TrainingException($"--samples is {CalibrationSamples}, expected 1 or more");
    }
}
