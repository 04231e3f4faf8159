using Halfbit.Numerics;

namespace Halfbit.Representation;

/// <summary>All weights are zero: the pruned part of a mixed matrix. Stores nothing.</summary>
/// <param name="rows">Rows.</param>
/// <param name="columns">Columns.</param>
public sealed class ZeroMatrix(int rows, int columns) : QuantizedMatrix(rows, columns)
{
    /// <inheritdoc/>
    public override QuantizedMatrix Stored(ScaleFormat format) => this;

    /// <inheritdoc/>
    public override void ReadRows(int firstRow, MatrixView<float> destination)
    {
        for (int r = 0; r < destination.Rows; r++) destination.Row(r).Clear();
    }
}
