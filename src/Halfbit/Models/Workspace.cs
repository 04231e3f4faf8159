using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>The intermediate matrices of a block, shared by all blocks of a decoder and kept between passes. They grow to the largest batch seen.</summary>
internal sealed class Workspace
{
    private readonly Dictionary<string, Matrix> byName = new(StringComparer.Ordinal);

    /// <summary>The matrix of that name with at least <paramref name="rows"/> rows; contents undefined.</summary>
    public Matrix Take(string name, int rows, int columns)
    {
        if (byName.TryGetValue(name, out Matrix? matrix) && matrix.Rows >= rows && matrix.Columns == columns) return matrix;
        matrix = new Matrix(rows, columns);
        byName[name] = matrix;
        return matrix;
    }
}
