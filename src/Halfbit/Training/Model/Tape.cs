using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>What a forward pass leaves for its backward pass: matrices by name, kept for the next pass of the same shape.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class Tape<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Dictionary<string, Matrix<T>> byName = new(StringComparer.Ordinal);

    /// <summary>Bytes of all matrices.</summary>
    public long ByteCount => byName.Values.Sum(m => (long)m.Data.Length) * ByteCountOfElement;

    private static int ByteCountOfElement => typeof(T) == typeof(double) ? sizeof(double) : sizeof(float);

    /// <summary>The matrix of a name, with arbitrary content where its shape is new.</summary>
    /// <param name="name">The name.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    public Matrix<T> Take(string name, int rows, int columns)
    {
        if (byName.TryGetValue(name, out Matrix<T>? matrix) && matrix.Rows == rows && matrix.Columns == columns) return matrix;
        matrix = new Matrix<T>(rows, columns);
        byName[name] = matrix;
        return matrix;
    }

    /// <summary>What <see cref="Take"/> gave last.</summary>
    public Matrix<T> this[string name] => byName[name];
}
