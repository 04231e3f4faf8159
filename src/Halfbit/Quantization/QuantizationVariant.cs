namespace Halfbit.Quantization;

/// <summary>Which form of a published method runs.</summary>
public enum QuantizationVariant
{
    /// <summary>Our form: the same idea with the faults removed.</summary>
    Default,

    /// <summary>What the authors' program does, fault by fault, so that anyone can check us against it.</summary>
    Released,

    /// <summary>Our form with so few scales and marks that the true bits come near the number that the method's paper counts.</summary>
    Strict,
}
