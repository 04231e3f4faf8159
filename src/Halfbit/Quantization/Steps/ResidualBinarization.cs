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
        omega = omega[..n];
        double mass = Sum(omega);
        mu.Clear();
        alpha.Clear();
        x.CopyTo(residual);
        Span<float> e = residual[..n];
        for (int k = 0; k < alpha.Length; k++)
        {
            if (mass > 0)
            {
                if (hasMeans) mu[k] = (float)(Sum(e, omega) / mass);
                alpha[k] = (float)(Deviation(e, omega, mu[k]) / mass);
            }

            Take(e, mu[k], alpha[k], zero, signs.Slice(k * n, n));
        }
    }

    /// <summary>Takes a plane off the residual; which sign a cell has is hard to predict, so there is no branch on it.</summary>
    private static void Take(Span<float> e, float mu, float alpha, OnThreshold zero, Span<sbyte> signs)
    {
        int ofZero = zero == OnThreshold.Middle ? 0 : 1;
        for (int j = 0; j < e.Length && j < signs.Length; j++)
        {
            float c = e[j] - mu;
            int sign = (c > 0 ? 1 : 0) - (c < 0 ? 1 : 0) + (c == 0 ? ofZero : 0);
            signs[j] = (sbyte)sign;
            e[j] -= (alpha * sign) + mu;
        }
    }

    /// <summary>Four sums side by side, so that additions need not wait for each other; in a fixed order.</summary>
    private static double Sum(ReadOnlySpan<double> omega)
    {
        (double a, double b, double c, double d) = (0, 0, 0, 0);
        int j = 0;
        for (; j + 3 < omega.Length; j += 4)
        {
            a += omega[j];
            b += omega[j + 1];
            c += omega[j + 2];
            d += omega[j + 3];
        }

        for (; j < omega.Length; j++) a += omega[j];
        return a + b + (c + d);
    }

    private static double Sum(ReadOnlySpan<float> e, ReadOnlySpan<double> omega)
    {
        (double a, double b, double c, double d) = (0, 0, 0, 0);
        int j = 0;
        for (; j + 3 < e.Length && j + 3 < omega.Length; j += 4)
        {
            a += omega[j] * e[j];
            b += omega[j + 1] * e[j + 1];
            c += omega[j + 2] * e[j + 2];
            d += omega[j + 3] * e[j + 3];
        }

        for (; j < e.Length; j++) a += omega[j] * e[j];
        return a + b + (c + d);
    }

    private static double Deviation(ReadOnlySpan<float> e, ReadOnlySpan<double> omega, float mu)
    {
        (double a, double b, double c, double d) = (0, 0, 0, 0);
        int j = 0;
        for (; j + 3 < e.Length && j + 3 < omega.Length; j += 4)
        {
            a += omega[j] * Math.Abs(e[j] - mu);
            b += omega[j + 1] * Math.Abs(e[j + 1] - mu);
            c += omega[j + 2] * Math.Abs(e[j + 2] - mu);
            d += omega[j + 3] * Math.Abs(e[j + 3] - mu);
        }

        for (; j < e.Length; j++) a += omega[j] * Math.Abs(e[j] - mu);
        return a + b + (c + d);
    }
}
