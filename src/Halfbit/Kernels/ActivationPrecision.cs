namespace Halfbit.Kernels;

/// <summary>How activations are rounded before they meet packed weights.</summary>
public enum ActivationPrecision
{
    /// <summary>Eight bits, with a scale for each strip of at most 128 columns.</summary>
    EightBits,

    /// <summary>24 bits, with a scale for each strip: what single precision gives, at a third of the speed.</summary>
    Exact,
}
