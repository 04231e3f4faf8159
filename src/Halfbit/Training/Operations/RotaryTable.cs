using System.Numerics;
using Halfbit.Checkpoints;
using Halfbit.Models;

namespace Halfbit.Training;

/// <summary>Cosines and sines of the rotary angles p·θᵢ of all positions of a sequence.</summary>
/// <typeparam name="T">Element type.</typeparam>
/// <remarks>The frequencies θᵢ are those of inference (<see cref="RotaryEmbedding"/>), which computes them in single precision; angles follow in the precision of T.</remarks>
internal sealed class RotaryTable<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int half;
    private readonly T[] cosines;
    private readonly T[] sines;

    /// <summary>Tables for heads of one size.</summary>
    /// <param name="rope">θ and scaling.</param>
    /// <param name="headSize">d, even.</param>
    /// <param name="length">Positions, ≥ 1.</param>
    /// <exception cref="ArgumentException">The head size is odd.</exception>
    public RotaryTable(RopeConfig rope, int headSize, int length)
    {
        if (headSize % 2 != 0) throw new ArgumentException($"rotary positions need an even head size, not {headSize}", nameof(headSize));
        half = headSize / 2;
        Length = length;
        HeadSize = headSize;
        cosines = new T[checked(length * half)];
        sines = new T[length * half];
        IReadOnlyList<float> frequencies = new RotaryEmbedding(rope, headSize).Frequencies;
        for (int p = 0; p < length; p++)
        {
            for (int i = 0; i < half; i++)
            {
                T angle = T.CreateChecked(p) * T.CreateChecked(frequencies[i]);
                cosines[(p * half) + i] = T.Cos(angle);
                sines[(p * half) + i] = T.Sin(angle);
            }
        }
    }

    /// <summary>Positions.</summary>
    public int Length { get; }

    /// <summary>d.</summary>
    public int HeadSize { get; }

    /// <summary>[d/2] cosines at a position.</summary>
    public ReadOnlySpan<T> Cosines(int position) => cosines.AsSpan(position * half, half);

    /// <summary>[d/2] sines at a position.</summary>
    public ReadOnlySpan<T> Sines(int position) => sines.AsSpan(position * half, half);
}
