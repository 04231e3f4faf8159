using System.Runtime.CompilerServices;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Guards at the border of an operation.</summary>
internal static class ShapeCheck
{
    /// <summary>Refuses a matrix that is not [rows, columns].</summary>
    /// <exception cref="ArgumentException">The shape differs.</exception>
    public static void Is<T>(Matrix<T>? matrix, int rows, int columns, [CallerArgumentExpression(nameof(matrix))] string name = "")
        where T : unmanaged
    {
        if (matrix is not null && (matrix.Rows != rows || matrix.Columns != columns))
            throw new ArgumentException($"{name} is [{matrix.Rows}, {matrix.Columns}], expected [{rows}, {columns}]", name);
    }

    /// <summary>Refuses a matrix of another shape than <paramref name="other"/>.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static void Same<T>(Matrix<T> matrix, Matrix<T> other, [CallerArgumentExpression(nameof(matrix))] string name = "")
        where T : unmanaged
        => Is(matrix, other.Rows, other.Columns, name);

    /// <summary>Refuses ids that do not match the rows one to one, or lie outside [least, count).</summary>
    /// <exception cref="ArgumentException">Their number is another, or one is out of range.</exception>
    public static void Ids(ReadOnlySpan<int> ids, int rows, int least, int count, [CallerArgumentExpression(nameof(ids))] string name = "")
    {
        if (ids.Length != rows) throw new ArgumentException($"{ids.Length} {name} for {rows} rows", name);
        for (int t = 0; t < ids.Length; t++)
        {
            if (ids[t] < least || ids[t] >= count) throw new ArgumentException($"{name}[{t}] is {ids[t]}, expected at least {least} and below {count}", name);
        }
    }
}
