using System.Numerics;
using Halfbit.Checkpoints;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>
/// Rotary positions (arXiv 2104.09864) in the layout of HF: features i and i + d/2 of a head form a pair that position p turns by p·θ^(−2i/d).
/// Tables are single precision, as HF computes them.
/// </summary>
public sealed class RotaryEmbedding
{
    private const int FirstPositions = 512;
    private readonly int half;
    private float[] cosines = [];
    private float[] sines = [];
    private int positions;

    /// <summary>Tables for heads of one size.</summary>
    /// <param name="config">θ and scaling.</param>
    /// <param name="headSize">d, even.</param>
    public RotaryEmbedding(RopeConfig config, int headSize)
    {
        ArgumentNullException.ThrowIfNull(config);
        half = headSize / 2;
        Frequencies = FrequenciesOf(config, headSize);
    }

    /// <summary>[d/2] radians per position, after scaling.</summary>
    public IReadOnlyList<float> Frequencies { get; }

    /// <summary>Makes the tables reach over positions below <paramref name="count"/>. Not while other threads read.</summary>
    public void Reserve(int count)
    {
        if (count <= positions) return;
        int reserved = Math.Max(count, Math.Max(FirstPositions, positions * 2));
        Array.Resize(ref cosines, checked(reserved * half));
        Array.Resize(ref sines, checked(reserved * half));
        for (int p = positions; p < reserved; p++)
        {
            for (int i = 0; i < half; i++)
            {
                float angle = p * Frequencies[i];
                cosines[(p * half) + i] = MathF.Cos(angle);
                sines[(p * half) + i] = MathF.Sin(angle);
            }
        }

        positions = reserved;
    }

    /// <summary>Turns each head of each row by the row's position.</summary>
    /// <param name="X">[≥ rows, heads·d], queries or keys, in place.</param>
    /// <param name="rowPositions">[rows]; reserved before.</param>
    public void Apply(Matrix X, ReadOnlyMemory<int> rowPositions)
    {
        ArgumentNullException.ThrowIfNull(X);
        SteadyLoop.For(rowPositions.Length, Grain.Of(X.Columns), (Rotary: this, X, rowPositions), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) s.Rotary.Turn(s.X.Row(t), s.rowPositions.Span[t]);
        });
    }

    /// <summary>Turns all heads of one row.</summary>
    private void Turn(Span<float> row, int position)
    {
        ReadOnlySpan<float> cosine = cosines.AsSpan(position * half, half);
        ReadOnlySpan<float> sine = sines.AsSpan(position * half, half);
        for (int j = 0; j < row.Length; j += 2 * half) Turn(row.Slice(j, half), row.Slice(j + half, half), cosine, sine);
    }

    /// <summary>(a, b) ← (a·cos − b·sin, b·cos + a·sin); products are rounded before the sum, in vectors and tail alike.</summary>
    private static void Turn(Span<float> a, Span<float> b, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        int i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var x = new Vector<float>(a[i..]);
            var y = new Vector<float>(b[i..]);
            var c = new Vector<float>(cosine[i..]);
            var s = new Vector<float>(sine[i..]);
            ((x * c) - (y * s)).CopyTo(a[i..]);
            ((y * c) + (x * s)).CopyTo(b[i..]);
        }

        for (; i < a.Length; i++)
        {
            float x = a[i];
            a[i] = (x * cosine[i]) - (b[i] * sine[i]);
            b[i] = (b[i] * cosine[i]) + (x * sine[i]);
        }
    }

    private static float[] FrequenciesOf(RopeConfig config, int headSize)
    {
        var frequencies = new float[headSize / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            float frequency = 1f / MathF.Pow((float)config.Theta, (float)(2 * i) / headSize);
            frequencies[i] = config.Scaling switch
            {
                RopeScaling.Linear => frequency / (float)config.Factor,
                RopeScaling.Llama3 => Llama3(config, frequency),
                _ => frequency,
            };
        }

        return frequencies;
    }

    /// <summary>LLaMA 3: wavelengths λ above L/low are stretched by the factor, those below L/high kept, those between blended linearly in L/λ.</summary>
    private static float Llama3(RopeConfig config, float frequency)
    {
        float original = config.OriginalPositions;
        float low = (float)config.LowFrequencyFactor;
        float high = (float)config.HighFrequencyFactor;
        float wavelength = 2 * MathF.PI / frequency;
        float stretched = frequency / (float)config.Factor;
        if (wavelength < original / high) return frequency;
        if (wavelength > original / low) return stretched;
        float smooth = ((original / wavelength) - low) / (high - low);
        return ((1 - smooth) * stretched) + (smooth * frequency);
    }
}
