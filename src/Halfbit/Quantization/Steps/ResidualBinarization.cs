namespace Halfbit.Quantization.Steps;

/// <summary>
/// Residual binarization of the cells of one row that share levels: x ≈ Σₖ (μₖ + αₖ·Bₖ), each plane fitted to what the planes before it leave over.
/// The primitive R(x, M, order) of BiLLM, STBLLM and ARB-LLM; its caller gathers the masked cells.
/// </summary>
/// <remarks>
/// Per plane, with e the residual: μ = Σωe/Σω, c = e − μ, α = Σω|c|/Σω, B = sign(c). Sums run in double precision in the order of the cells; μ, α and residuals are single.
/// No cells, or none that counts: all zero.
/// </remarks>
internal static class ResidualBinarization
{
    /// <summary>Fits the planes.</summary>
    /// <param name="x">[n], the row's cells.</param>
    /// <param name="omega">[n], weight of each cell, ≥ 0.</param>
    /// <param name="hasMeans">Whether planes have means; if not, μ = 0.</param>
    /// <param name="zero">The sign of an exact zero: +1 (<see cref="OnThreshold.Upper"/>) or 0 (<see cref="OnThreshold.Middle"/>, the released programs).</param>
    /// <param name="mu">[order], receives the mean of each plane. The stored mean is their sum.</param>
    /// <param name="alpha">[order], receives the scale of each plane.</param>
    /// <param name="signs">[order · n], receives the signs −1, 0, +1, plane by plane.</param>
    /// <param name="residual">[n], receives what is left over.</param>
    public static void Fit(
        ReadOnlySpan<float> x, ReadOnlySpan<double> omega, bool hasMeans, OnThreshold zero, Span<float> mu, Span<float> alpha, Span<sbyte> signs, Span<float> residual)
    {
        int n = x.Length;
        double mass = 0;
        foreach (double o in omega[..n]) mass += o;
        mu.Clear();
        alpha.Clear();
        x.CopyTo(residual);
        Span<float> e = residual[..n];
        for (int k = 0; k < alpha.Length; k++)
        {
            Span<sbyte> plane = signs.Slice(k * n, n);
            if (mass > 0) (mu[k], alpha[k]) = Plane(e, omega, mass, hasMeans);
            for (int j = 0; j < n; j++)
            {
                float c = e[j] - mu[k];
                plane[j] = (sbyte)(c > 0 ? 1 : c < 0 ? -1 : zero == OnThreshold.Middle ? 0 : 1);
                e[j] -= (alpha[k] * plane[j]) + mu[k];
            }
        }
    }

    private static (float Mu, float Alpha) Plane(ReadOnlySpan<float> e, ReadOnlySpan<double> omega, double mass, bool hasMeans)
    {
        float mu = 0;
        if (hasMeans)
        {
            double sum = 0;
            for (int j = 0; j < e.Length; j++) sum += omega[j] * e[j];
            mu = (float)(sum / mass);
        }

        double deviation = 0;
        for (int j = 0; j < e.Length; j++) deviation += omega[j] * Math.Abs(e[j] - mu);
        return (mu, (float)(deviation / mass));
    }
}
