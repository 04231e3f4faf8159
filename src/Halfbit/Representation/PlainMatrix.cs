using Halfbit.Numerics;

namespace Halfbit.Representation;

/// <summary>Weights that are kept as they are, rounded to the scale format (half precision times a power of two), or single precision when it is exact.</summary>
public sealed class PlainMatrix : QuantizedMatrix
{
    /// <summary>Values to keep.</summary>
    /// <param name="values">[rows, columns], storable in <paramref name="format"/>.</param>
    /// <param name="format">How values are stored.</param>
    public PlainMatrix(Matrix values, ScaleFormat format)
        : base(values.Rows, values.Columns)
    {
        Values = values;
        Format = format;
    }

    /// <summary>[rows, columns].</summary>
    public Matrix Values { get; }

    /// <summary>How values are stored.</summary>
    public ScaleFormat Format { get; }

    /// <inheritdoc/>
    public override QuantizedMatrix Stored(ScaleFormat format)
        => new PlainMatrix(new Matrix(Rows, Columns, Rounded(Values.Data, format)), format);

    /// <inheritdoc/>
    public override void ReadRows(int firstRow, MatrixView<float> destination) => Values.ReadRows(firstRow, destination);
}
