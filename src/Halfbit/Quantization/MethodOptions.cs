namespace Halfbit.Quantization;

/// <summary>What every method can be told.</summary>
public record MethodOptions
{
    /// <summary>Columns that share scales.</summary>
    /// <value>Columns ≥ 1, or -1 for the whole row.</value>
    public int GroupSize { get; init; } = -1;

    /// <summary>Columns between two steps of error feedback. A matter of speed alone, except in GPTQ's released variant, which fits the grids of a block at its first column.</summary>
    /// <value>Columns ≥ 1; default 128, as in the authors' programs.</value>
    public int BlockSize { get; init; } = 128;

    /// <summary>Share of mean(diag(H)) added to every diagonal element before inversion.</summary>
    /// <value>Dimensionless, &gt; 0; default 0.01, as in the authors' programs.</value>
    public double DampingFraction { get; init; } = 0.01;

    /// <summary>Whether each column's error is compensated by the columns after it (GPTQ).</summary>
    public bool Compensation { get; init; } = true;

    /// <summary>Our form of the method, or the authors' program's.</summary>
    public QuantizationVariant Variant { get; init; }
}
