namespace Halfbit.Numerics;

/// <summary>
/// A matrix [rows, columns] whose rows are expanded to single precision on demand: a mapped tensor in any storage type,
/// a packed matrix, or a matrix in memory. This is what lets a model run without a dense copy of its weights.
/// </summary>
public interface IWeightRows
{
    /// <summary>Number of rows (output features of a linear layer).</summary>
    int Rows { get; }

    /// <summary>Number of columns (input features of a linear layer).</summary>
    int Columns { get; }

    /// <summary>Writes rows [<paramref name="firstRow"/>, firstRow + destination.Rows) to <paramref name="destination"/>.</summary>
    /// <param name="firstRow">First row, 0-based.</param>
    /// <param name="destination">[count, <see cref="Columns"/>].</param>
    /// <remarks>Safe to call from several threads at once.</remarks>
    void ReadRows(int firstRow, MatrixView<float> destination);
}
