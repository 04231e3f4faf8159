using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Generation;

/// <summary>Chooses tokens from logits. Keeps buffers, but no state that matters: the same logits and the same draw give the same token.</summary>
public sealed class Sampler
{
    private readonly SamplingOptions options;
    private float[] probabilities = [];
    private int[] order = [];

    /// <summary>A sampler; one per thread.</summary>
    /// <exception cref="ArgumentException">An option is outside its range.</exception>
    public Sampler(SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        this.options = options;
    }

    /// <summary>The next token.</summary>
    /// <param name="logits">[vocabulary]; unchanged.</param>
    /// <param name="random">Asked for one number unless the temperature is 0.</param>
    /// <exception cref="NumericsException">A logit is NaN or +∞, or none is finite.</exception>
    public int Choose(ReadOnlySpan<float> logits, PythonRandom random)
    {
        if (options.Temperature == 0) return ArgMax(logits);
        ArgumentNullException.ThrowIfNull(random);
        return Draw(Probabilities(logits), random.NextDouble());
    }

    /// <summary>Index of the largest value; the lowest index among equals.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <exception cref="NumericsException">A logit is NaN or +∞, or none is finite.</exception>
    public static int ArgMax(ReadOnlySpan<float> logits)
    {
        float max = Max(logits);
        return logits.IndexOf(max);
    }

    /// <summary>The distribution after temperature, top-k and top-p; sums to 1 up to rounding.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <returns>[vocabulary]; valid until the next call.</returns>
    public ReadOnlySpan<float> Probabilities(ReadOnlySpan<float> logits)
    {
        if (probabilities.Length != logits.Length)
        {
            probabilities = new float[logits.Length];
            order = new int[logits.Length];
        }

        float max = Max(logits);
        if (options.Temperature == 0)
        {
            Array.Clear(probabilities);
            probabilities[logits.IndexOf(max)] = 1;
            return probabilities;
        }

        TensorPrimitives.Subtract(logits, max, probabilities);
        TensorPrimitives.Divide(probabilities, (float)options.Temperature, probabilities);
        TensorPrimitives.Exp(probabilities, probabilities);
        if (options.TopK > 0 && options.TopK < logits.Length) KeepMostLikely(options.TopK);
        Normalize();
        if (options.TopP < 1)
        {
            KeepNucleus(options.TopP);
            Normalize();
        }

        return probabilities;
    }

    /// <summary>The first token at which the running sum of probabilities, in order of ids, exceeds the draw.</summary>
    /// <param name="probabilities">[vocabulary], not all zero.</param>
    /// <param name="draw">In [0, 1); scaled by the sum of the probabilities.</param>
    public static int Draw(ReadOnlySpan<float> probabilities, double draw)
    {
        double target = draw * Sum(probabilities);
        double sum = 0;
        int last = 0;
        for (int id = 0; id < probabilities.Length; id++)
        {
            if (probabilities[id] == 0) continue;
            sum += probabilities[id];
            last = id;
            if (sum > target) return id;
        }

        return last;
    }

    /// <summary>Top-k: everything below the k-th largest becomes 0; among equals the lowest ids stay.</summary>
    private void KeepMostLikely(int count)
    {
        // A heap of the best seen so far, its worst on top.
        var best = new PriorityQueue<int, (float Probability, int Id)>(count, WorstFirst);
        for (int id = 0; id < probabilities.Length; id++)
        {
            if (best.Count < count) best.Enqueue(id, (probabilities[id], id));
            else best.EnqueueDequeue(id, (probabilities[id], id));
        }

        float[] kept = new float[count];
        int[] ids = new int[count];
        for (int k = 0; k < count; k++)
        {
            ids[k] = best.Dequeue();
            kept[k] = probabilities[ids[k]];
        }

        Array.Clear(probabilities);
        for (int k = 0; k < count; k++) probabilities[ids[k]] = kept[k];
    }

    private static readonly Comparer<(float Probability, int Id)> WorstFirst = Comparer<(float Probability, int Id)>.Create(
        static (a, b) => a.Probability != b.Probability ? a.Probability.CompareTo(b.Probability) : b.Id.CompareTo(a.Id));

    /// <summary>Top-p: the most likely tokens up to the one whose probability makes the sum reach <paramref name="share"/>.</summary>
    /// <remarks>Tokens below (1 − p)/n can be left out of the sorting: all of them together do not reach 1 − p, so the sum is reached without them.</remarks>
    private void KeepNucleus(double share)
    {
        float cutoff = (float)((1 - share) / probabilities.Length) * 0.999f;
        int candidates = 0;
        for (int id = 0; id < probabilities.Length; id++)
        {
            if (probabilities[id] >= cutoff && probabilities[id] > 0) order[candidates++] = id;
        }

        order.AsSpan(0, candidates).Sort((a, b) => probabilities[a] != probabilities[b] ? probabilities[b].CompareTo(probabilities[a]) : a.CompareTo(b));
        double sum = 0;
        int kept = 0;
        while (kept < candidates && sum < share) sum += probabilities[order[kept++]];
        float[] values = new float[kept];
        for (int k = 0; k < kept; k++) values[k] = probabilities[order[k]];
        Array.Clear(probabilities);
        for (int k = 0; k < kept; k++) probabilities[order[k]] = values[k];
    }

    private void Normalize() => TensorPrimitives.Multiply(probabilities, (float)(1 / Sum(probabilities)), probabilities);

    private static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values) sum += value;
        return sum;
    }

    private static float Max(ReadOnlySpan<float> logits)
    {
        float max = TensorPrimitives.Max(logits);
        if (!float.IsFinite(max))
            throw new NumericsException(FormattableString.Invariant($"the largest logit is {max}; the model's weights or activations are not finite"));
        return max;
    }
}
