using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Quantization.Steps;

/// <summary>Keeps weights, rounded to the storage format.</summary>
internal sealed class PlainColumnQuantizer(int rows, int columns, ScaleFormat format) : IColumnQuantizer
{
    private readonly Matrix values = new(rows, columns);

    /// <inheritdoc/>
    public void Quantize(RowLanes rows, int column, ReadOnlySpan<float> w, Span<float> q)
    {
        foreach (int r in rows) values[rows.FirstRow + r, column] = q[r] = format.Round(w[r]);
    }

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new PlainMatrix(values, format);
}

/// <summary>Replaces weights by zero.</summary>
internal sealed class ZeroColumnQuantizer(int rows, int columns) : IColumnQuantizer
{
    /// <inheritdoc/>
    public void Quantize(RowLanes rows, int column, ReadOnlySpan<float> w, Span<float> q)
    {
        foreach (int r in rows) q[r] = 0f;
    }

    /// <inheritdoc/>
    public QuantizedMatrix ToMatrix() => new ZeroMatrix(rows, columns);
}
