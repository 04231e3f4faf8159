namespace Halfbit.Quantization.Steps;

/// <summary>In which precision a quantile is interpolated; the released programs differ, and a last bit decides memberships.</summary>
internal enum QuantileArithmetic
{
    /// <summary>BiLLM and STBLLM: position (m − 1)·q in single precision, the rest in double, the result rounded to single where it is compared.</summary>
    Mixed,

    /// <summary>ARB-LLM: all in single precision.</summary>
    Single,
}

/// <summary>Quantiles of a block's magnitudes at evenly spaced probabilities from 0.10 on: the candidate thresholds of the split searches.</summary>
/// <remarks>
/// Linear interpolation as in numpy 1.24: with h = (m − 1)·q, the values a, b around position h and t = h − ⌊h⌋, it is a + (b − a)·t for t &lt; ½, else b − (b − a)·(1 − t).
/// The probabilities are those of the programs' <c>torch.linspace</c> in single precision, computed eight at a time: not always the floats nearest to 0.10, 0.11, ….
/// </remarks>
/// <param name="count">Number of probabilities, ≥ 2: 81 in BiLLM and ARB-LLM, 160 in STBLLM.</param>
/// <param name="arithmetic">Precision of the interpolation.</param>
/// <param name="highest">Last probability: 0.90 in the released programs.</param>
internal sealed class QuantileGrid(int count, QuantileArithmetic arithmetic, float highest = 0.90f)
{
    /// <summary>[count], single-precision probabilities, ascending.</summary>
    public float[] Probabilities { get; } = Linspace(0.10f, highest, count);

    /// <summary>The quantiles, as the single-precision numbers that scores are compared with; ascending.</summary>
    /// <param name="magnitudes">[m], ≥ +0, finite, in any order; m ≥ 1.</param>
    public float[] Of(ReadOnlySpan<float> magnitudes) => Array.ConvertAll(ExactOf(magnitudes), v => (float)v);

    /// <summary>The quantiles before they are rounded to single precision (equal to the rounded ones in <see cref="QuantileArithmetic.Single"/>).</summary>
    /// <param name="magnitudes">[m], ≥ +0, finite, in any order; m ≥ 1.</param>
    public double[] ExactOf(ReadOnlySpan<float> magnitudes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(magnitudes.Length);
        int last = magnitudes.Length - 1;
        var ranks = new int[2 * count];
        for (int k = 0; k < count; k++)
        {
            int low = Math.Min(last, (int)MathF.Floor((float)last * Probabilities[k]));
            ranks[2 * k] = low;
            ranks[(2 * k) + 1] = Math.Min(last, low + 1);
        }

        int[] ascending = [.. ranks];
        Array.Sort(ascending);
        var sorted = new float[ranks.Length];
        RankSelection.Select(magnitudes, ascending, sorted);
        var quantiles = new double[count];
        for (int k = 0; k < count; k++)
        {
            float a = sorted[Array.BinarySearch(ascending, ranks[2 * k])];
            float b = sorted[Array.BinarySearch(ascending, ranks[(2 * k) + 1])];
            quantiles[k] = Between(a, b, (float)last * Probabilities[k]);
        }

        return quantiles;
    }

    private double Between(float a, float b, float position)
    {
        float difference = b - a;
        if (arithmetic == QuantileArithmetic.Mixed)
        {
            double t = position - Math.Floor(position);
            return t < 0.5 ? a + (difference * t) : b - (difference * (1 - t));
        }

        float share = position - MathF.Floor(position);
        return share < 0.5f ? a + (difference * share) : b - (difference * (1 - share));
    }

    /// <summary>Evenly spaced numbers in runs of eight: the first of a run by one fused operation from the nearer end, the others by steps from it.</summary>
    private static float[] Linspace(float start, float end, int count)
    {
        const int Run = 8;
        float step = (end - start) / (count - 1);
        var numbers = new float[count];
        for (int i = 0; i < count; i++)
        {
            bool isInRun = i < count / Run * Run;
            int first = isInRun ? i / Run * Run : i;
            float origin = first < count / 2 ? MathF.FusedMultiplyAdd(step, first, start) : MathF.FusedMultiplyAdd(-step, count - first - 1, end);
            numbers[i] = origin + (step * (i - first));
        }

        return numbers;
    }
}
