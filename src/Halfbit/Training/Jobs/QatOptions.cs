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

/// <summary>How the gradient passes the sign where a whole layer is binarized.</summary>
public enum SignGradient
{
    /// <summary>As if the sign were not there (straight-through estimator, arXiv 1308.3432).</summary>
    Straight,

    /// <summary>Likewise, but only where the weight is within its unit (BNN, XNOR-Net).</summary>
    Clipped,

    /// <summary>The slope of Bi-Real Net's piecewise polynomial (arXiv 1808.00278).</summary>
    BiReal,

    /// <summary>The slope of IR-Net's tanh, which grows steeper (arXiv 1909.10788).</summary>
    IrNet,

    /// <summary>The slope of a Fourier series of the sign (FDA, arXiv 2110.09129).</summary>
    Fourier,
}

/// <summary>A quantization-aware training by PB-LLM (arXiv 2310.00034), or of plain binarization.</summary>
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

    /// <summary>Plain binarization of whole layers, and how the gradient passes the signs; null: PB-LLM.</summary>
    public SignGradient? Binary { get; init; }

    /// <summary>A model that PB-LLM's post-training wrote: its salient weights are taken, and its signs; null: the original weights are the start.</summary>
    public string? StartFolder { get; init; }

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

    /// <summary>Checks what does not depend on model and texts.</summary>
    /// <exception cref="TrainingException">A value is out of range.</exception>
    public void Validate()
    {
        Training.Validate();
        if (!(SalientFraction is >= 0 and <= 1)) throw new TrainingException(FormattableString.Invariant($"--salient is {SalientFraction}, expected a share of the weights from 0 to 1"));
        if (!(TeacherShare is >= 0 and <= 1)) throw new TrainingException(FormattableString.Invariant($"--teacher is {TeacherShare}, expected a share of the loss from 0 to 1"));
        if (!(Temperature > 0 && double.IsFinite(Temperature))) throw new TrainingException(FormattableString.Invariant($"--temperature is {Temperature}, expected a number above 0"));
        if (Binary is not null && StartFolder is not null) throw new TrainingException("--from holds salient weights, plain binarization (--binary) has none; leave one of them out");
        if (CalibrationSamples < 1) throw new TrainingException($"--samples is {CalibrationSamples}, expected 1 or more");
    }
}
