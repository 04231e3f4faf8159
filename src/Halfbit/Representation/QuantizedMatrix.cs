using Halfbit.Numerics;

namespace Halfbit.Representation;

/// <summary>
/// What a method hands over: a quantized weight matrix [rows, columns] as codes, masks and scales, logical and without any bit layout.
/// Packing turns it into bits; <see cref="ReadRows"/> gives the values it stands for, exactly those that a packed copy expands to.
/// </summary>
public abstract class QuantizedMatrix : IWeightRows
{
    private protected QuantizedMatrix(int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        Rows = rows;
        Columns = columns;
    }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Columns { get; }

    /// <inheritdoc/>
    public abstract void ReadRows(int firstRow, MatrixView<float> destination);

    /// <summary>The same codes with all scales, means and kept values rounded to a storage format.</summary>
    /// <param name="format">The format of the result.</param>
    public abstract QuantizedMatrix Stored(ScaleFormat format);

    private protected static float[] Rounded(float[] table, ScaleFormat format) => Array.ConvertAll(table, format.Round);

    private protected static float[] Checked(float[] table, int rows, int groups, string name)
    {
        ArgumentNullException.ThrowIfNull(table, name);
        if (table.Length != (long)rows * groups) throw new ArgumentException($"{name} holds {table.Length} values, expected [{rows}, {groups}]", name);
        return table;
    }
}
