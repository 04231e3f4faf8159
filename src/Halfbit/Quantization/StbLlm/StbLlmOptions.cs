using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>Options of STBLLM.</summary>
public sealed record StbLlmOptions : BlockMethodOptions
{
    /// <summary>Our form of the method.</summary>
    public StbLlmOptions()
    {
        Groups = 3;
    }

    /// <summary>What the authors' program does with its published settings.</summary>
    public static StbLlmOptions Released { get; } = AsReleased(new StbLlmOptions { Importance = ImportanceScore.Relative, Adaptive = true });

    /// <summary>One sign per kept weight, one scale per block and row; no marks, no residual, no means.</summary>
    public static StbLlmOptions Strict { get; } = new() { Variant = QuantizationVariant.Strict, Groups = 1, MostSalient = 0 };

    /// <summary>Kept weights of every run.</summary>
    /// <value>N of M with 1 ≤ N ≤ M ≤ 64; default 4:8, the paper's 0.55 bits. The authors' scripts count pruned weights instead.</value>
    public NOfM Keep { get; init; } = new(4, 8);

    /// <summary>What decides which weights are kept.</summary>
    public ImportanceScore Importance { get; init; }

    /// <summary>Whether N varies over the decoder blocks of a model, <see cref="Keep"/> being the average. A layer by itself keeps N:M.</summary>
    /// <value>Default: off, on in the released form; outlier shares served no model that we measured.</value>
    public bool Adaptive { get; init; }
}
