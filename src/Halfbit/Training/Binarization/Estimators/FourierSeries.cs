using System.Numerics;

namespace Halfbit.Training;

/// <summary>
/// FDA's Fourier series of a square wave: F(u) = (4/π)·Σᵢ sin((2i + 1)ωu)/(2i + 1), F′(u) = (4ω/π)·Σᵢ cos((2i + 1)ωu), i = 0 … n − 1
/// (Xu et al., Learning Frequency Domain Approximation for Binary Neural Networks, arXiv 2103.00841).
/// </summary>
/// <remarks>
/// Departure: the paper adds a small learned network that corrects the truncated series; this is the series alone. Defaults are ours: n = 10 terms, ω = 0.1,
/// which gives a slope of 4nω/π = 1.27 at 0 that falls to 0 at u = π/(2nω) = 1.57, and swings around 0 beyond.
/// </remarks>
/// <typeparam name="T">Element type.</typeparam>
/// <param name="terms">n, number of terms, ≥ 1.</param>
/// <param name="frequency">ω, &gt; 0.</param>
internal readonly struct FourierSeries<T>(int terms, double frequency) : ISignEstimator<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int UsualTerms = 10;
    private const double UsualFrequency = 0.1;

    private readonly int terms = terms >= 1 ? terms : throw new ArgumentOutOfRangeException(nameof(terms), terms, "the series needs at least one term");
    private readonly T omega = T.CreateTruncating(frequency > 0 ? frequency : throw new ArgumentOutOfRangeException(nameof(frequency), frequency, "the frequency must be positive"));

    /// <summary>The series with the usual number of terms and frequency.</summary>
    public static FourierSeries<T> Usual => new(UsualTerms, UsualFrequency);

    /// <inheritdoc/>
    public T Surrogate(T u)
    {
        T sum = T.Zero;
        for (int i = 0; i < terms; i++)
        {
            T odd = T.CreateTruncating((2 * i) + 1);
            sum += T.Sin(odd * omega * u) / odd;
        }

        return T.CreateTruncating(4 / Math.PI) * sum;
    }

    /// <inheritdoc/>
    public T Slope(T u)
    {
        T sum = T.Zero;
        for (int i = 0; i < terms; i++) sum += T.Cos(T.CreateTruncating((2 * i) + 1) * omega * u);
        return T.CreateTruncating(4 / Math.PI) * omega * sum;
    }
}
