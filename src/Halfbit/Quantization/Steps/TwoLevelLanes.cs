using System.Runtime.Intrinsics;

namespace Halfbit.Quantization.Steps;

/// <summary><see cref="BinaryFit.TwoLevels"/> for eight rows at once, a lane each: every row sees the same operations in the same order, hence the same bits. Scratch memory of one thread.</summary>
internal sealed class TwoLevelLanes
{
    /// <summary>Rows at once.</summary>
    public const int Rows = 8;

    [ThreadStatic]
    private static TwoLevelLanes? ofThread;

    // [columns][8]
    private readonly double[] weights;
    private readonly double[] omegas;

    private TwoLevelLanes(int columns)
    {
        weights = new double[columns * Rows];
        omegas = new double[columns * Rows];
    }

    public static TwoLevelLanes ForThread(int columns)
    {
        if (ofThread is null || ofThread.weights.Length < columns * Rows) ofThread = new TwoLevelLanes(columns);
        return ofThread;
    }

    /// <summary>Loads a row.</summary>
    /// <param name="lane">Its lane.</param>
    /// <param name="w">[n], weights.</param>
    /// <param name="omega">[n], importance ω ≥ 0 of each weight, 0 for weights that do not take part.</param>
    public void Load(int lane, ReadOnlySpan<float> w, ReadOnlySpan<float> omega)
    {
        for (int j = 0, at = lane; j < w.Length; j++, at += Rows) (weights[at], omegas[at]) = (w[j], omega[j]);
    }

    /// <summary>Fits all lanes; those that were not loaded get some levels too.</summary>
    /// <param name="columns">Number n of weights loaded per row.</param>
    /// <param name="mu">[8], receives μ.</param>
    /// <param name="alpha">[8], receives α.</param>
    public void Fit(int columns, Span<float> mu, Span<float> alpha)
    {
        (Vector512<double> middle, Vector512<double> half) = MeanAndDeviation(columns);
        Vector512<double> isOpen = Vector512<double>.AllBitsSet;
        for (int step = 0; step < BinaryFit.MostSteps; step++)
        {
            Halves sums = Part(columns, middle);
            isOpen &= ~(Vector512.Equals(sums.UpperMass, default) | Vector512.Equals(sums.LowerMass, default));
            Vector512<double> upper = sums.Upper / sums.UpperMass;
            Vector512<double> lower = sums.Lower / sums.LowerMass;
            Vector512<double> next = (upper + lower) / 2;
            half = Vector512.ConditionalSelect(isOpen, (upper - lower) / 2, half);
            isOpen &= ~Vector512.Equals(next, middle);
            if (Vector512.EqualsAll(isOpen.AsInt64(), default)) break;
            middle = Vector512.ConditionalSelect(isOpen, next, middle);
        }

        for (int r = 0; r < Rows; r++) (mu[r], alpha[r]) = ((float)middle[r], (float)half[r]);
    }

    /// <summary>As <see cref="BinaryFit.MeanAndDeviation"/>, rounded to single precision like its results.</summary>
    private (Vector512<double> Mu, Vector512<double> Alpha) MeanAndDeviation(int columns)
    {
        Vector512<double> sum = default;
        Vector512<double> mass = default;
        for (int at = 0; at < columns * Rows; at += Rows)
        {
            Vector512<double> omega = Vector512.Create(omegas, at);
            sum += omega * Vector512.Create(weights, at);
            mass += omega;
        }

        Vector512<double> mu = sum / mass;
        Vector512<double> deviation = default;
        for (int at = 0; at < columns * Rows; at += Rows)
            deviation += Vector512.Create(omegas, at) * Vector512.Abs(Vector512.Create(weights, at) - mu);

        Vector512<double> isEmpty = Vector512.Equals(mass, default);
        return (Single(mu), Single(deviation / mass));

        Vector512<double> Single(Vector512<double> value)
            => Vector512.ConditionalSelect(isEmpty, default, Vector512.WidenLower(Vector512.Narrow(value, value)));
    }

    /// <summary>Σω and Σωw of the weights from <paramref name="middle"/> on and of those below.</summary>
    private Halves Part(int columns, Vector512<double> middle)
    {
        var sums = default(Halves);
        for (int at = 0; at < columns * Rows; at += Rows)
        {
            Vector512<double> w = Vector512.Create(weights, at);
            Vector512<double> omega = Vector512.Create(omegas, at);
            Vector512<double> weighted = omega * w;
            Vector512<double> isUpper = Vector512.GreaterThanOrEqual(w, middle);
            sums.Upper += isUpper & weighted;
            sums.UpperMass += isUpper & omega;
            sums.Lower += Vector512.AndNot(weighted, isUpper);
            sums.LowerMass += Vector512.AndNot(omega, isUpper);
        }

        return sums;
    }

    private struct Halves
    {
        public Vector512<double> Upper;
        public Vector512<double> UpperMass;
        public Vector512<double> Lower;
        public Vector512<double> LowerMass;
    }
}
