using System.Numerics;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Cosines and sines of the angles of rotary positions, as inference has them (single precision).</summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class RotaryTable<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>A table.</summary>
    /// <param name="rope">θ and scaling.</param>
    /// <param name="headSize">d, even.</param>
    /// <param name="length">Positions.</param>
    public RotaryTable(RopeConfig rope, int headSize, int length)
    {
        IReadOnlyList<float> frequencies = new RotaryEmbedding(rope, headSize).Frequencies;
        (Cosines, Sines) = (new Matrix<T>(length, headSize / 2), new Matrix<T>(length, headSize / 2));
        for (int p = 0; p < length; p++)
        {
            for (int i = 0; i < headSize / 2; i++)
            {
                float angle = p * frequencies[i];
                Cosines.Row(p)[i] = T.CreateChecked(MathF.Cos(angle));
                Sines.Row(p)[i] = T.CreateChecked(MathF.Sin(angle));
            }
        }
    }

    /// <summary>[positions, d/2].</summary>
    public Matrix<T> Cosines { get; }

    /// <summary>[positions, d/2].</summary>
    public Matrix<T> Sines { get; }
}
