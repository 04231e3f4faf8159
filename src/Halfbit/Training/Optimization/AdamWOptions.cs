namespace Halfbit.Training;

/// <summary>Options of <see cref="AdamW{T}"/>; the defaults are PyTorch's, without decay as PB-LLM trains.</summary>
internal sealed record AdamWOptions
{
    /// <summary>β₁, share of the first moment that stays at each step.</summary>
    /// <value>In [0, 1); default 0.9.</value>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂, share of the second moment that stays at each step.</summary>
    /// <value>In [0, 1); default 0.999.</value>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε, added to the root of the second moment.</summary>
    /// <value>&gt; 0; default 1e-8.</value>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>λ, decoupled weight decay: each step takes the share (learning rate)·λ of the weight.</summary>
    /// <value>≥ 0; default 0.</value>
    public double WeightDecay { get; init; }

    /// <summary>Checks all ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public void Validate()
    {
        if (!(Beta1 is >= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(Beta1), Beta1, "β₁ must be within [0, 1)");
        if (!(Beta2 is >= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(Beta2), Beta2, "β₂ must be within [0, 1)");
        if (!(Epsilon > 0 && double.IsFinite(Epsilon))) throw new ArgumentOutOfRangeException(nameof(Epsilon), Epsilon, "ε must be positive");
        if (!(WeightDecay >= 0 && double.IsFinite(WeightDecay))) throw new ArgumentOutOfRangeException(nameof(WeightDecay), WeightDecay, "the weight decay must not be negative");
    }
}
