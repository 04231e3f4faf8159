using System.Numerics;
using Halfbit.Numerics;
using Halfbit.Training;

namespace Halfbit.Tests.Training;

/// <summary>Seeded parameters and gradients.</summary>
internal static class ToyParameters
{
    public static Matrix<T> Noise<T>(int rows, int columns, int seed, double deviation = 1)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var random = new Random(seed);
        var matrix = new Matrix<T>(rows, columns);
        for (int k = 0; k < matrix.Data.Length; k++)
            matrix.Data[k] = T.CreateTruncating((float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())));
        return matrix;
    }

    public static Parameter<T> Parameter<T>(string name, int rows, int columns, int seed, bool decays = true)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => new(name, Noise<T>(rows, columns, seed)) { Decays = decays };

    /// <summary>A few shapes: one of several chunks, a vector, one entry, a width that is no multiple of a word or a vector.</summary>
    public static List<Parameter<T>> Some<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
    [
        Parameter<T>("wide", 70, 517, 1),
        Parameter<T>("norm", 1, 33, 2, decays: false),
        Parameter<T>("single", 1, 1, 3),
        Parameter<T>("masked", 37, 130, 4),
    ];

    /// <summary>Other gradients for each step.</summary>
    public static void SetGradients<T>(IReadOnlyList<Parameter<T>> parameters, int step)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int p = 0; p < parameters.Count; p++)
            Noise<T>(parameters[p].Value.Rows, parameters[p].Value.Columns, (1000 * step) + p, 0.3).Data.CopyTo(parameters[p].Gradient.Data, 0);
    }

    public static BitMatrix Mask(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var mask = new BitMatrix(rows, columns);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) mask[i, j] = random.Next(5) == 0;
        }

        return mask;
    }
}
