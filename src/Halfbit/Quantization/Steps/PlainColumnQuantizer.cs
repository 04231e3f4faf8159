using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.Steps;

/// <summary>Keeps weights, rounded to the storage format.</summary>
internal sealed class PlainColumnQuantizer(int rows, int columns, ScaleFormat format) : IColumnQuantizer
{
    private readonly Matrix values = new(rows, columns);

    /// <inheritdoc/>
    public float Quantize(int row, int column, float w) => values[row, column] = format.Round(w);

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new PlainMatrix(values, format);
}

/// <summary>Replaces weights by zero.</summary>
internal sealed class ZeroColumnQuantizer(int rows, int columns) : IColumnQuantizer
{
    /// <inheritdoc/>
    public float Quantize(int row, int column, float w) => 0f;

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new ZeroMatrix(rows, columns);
}
