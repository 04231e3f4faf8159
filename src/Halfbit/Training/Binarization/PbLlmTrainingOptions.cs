using Halfbit.Quantization;

namespace Halfbit.Training;

/// <summary>What becomes of the salient weights when training starts; they are frozen afterwards.</summary>
internal enum SalientStep
{
    /// <summary>Rounded to 8 bits on one asymmetric min-max grid per row.</summary>
    Grid,

    /// <summary>Kept as they are (stored in half precision).</summary>
    Keep,

    /// <summary>The released program's 8-bit step, which changes all weights of the layer and makes them positive.</summary>
    Released,
}

/// <summary>Options of PB-LLM's quantization-aware training.</summary>
internal sealed record PbLlmTrainingOptions
{
    /// <summary>Share of salient weights.</summary>
    /// <value>Fraction in [0, 1]; default 0.1, as in the released program.</value>
    public double SalientFraction { get; init; } = 0.1;

    /// <summary>What makes a weight salient.</summary>
    /// <value>Default: magnitude, which needs no calibration.</value>
    public SalienceRule Salience { get; init; }

    /// <summary>How the salient weights are stored.</summary>
    public SalientStep SalientStep { get; init; }

    /// <summary>Default: one scale per row. Released: one scale for the whole layer, and sign(0) = 0. There is no strict form.</summary>
    public QuantizationVariant Variant { get; init; }

    /// <summary>Whether the forward pass multiplies with the scales and salient weights as a packed checkpoint stores them (half precision times a power of two).</summary>
    /// <value>Default: true; so packing changes nothing. False to compare with a program that has no stored form.</value>
    public bool StoresScales { get; init; } = true;

    /// <summary>Checks all values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public void Validate()
    {
        if (!(SalientFraction is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(SalientFraction), SalientFraction, "the salient share must be within [0, 1]");
        if (Variant == QuantizationVariant.Strict) throw new ArgumentOutOfRangeException(nameof(Variant), Variant, "training has no strict variant");
    }
}
