using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>A normalisation of each row by its own statistics, in single precision.</summary>
public abstract class Norm
{
    private protected Norm()
    {
    }

    /// <summary>Normalises one row.</summary>
    /// <param name="x">[n].</param>
    /// <param name="y">[n]; may be the same memory as <paramref name="x"/>.</param>
    public abstract void Apply(ReadOnlySpan<float> x, Span<float> y);

    /// <summary>Normalises the first rows of a matrix.</summary>
    /// <param name="X">[≥ rows, n].</param>
    /// <param name="Y">[≥ rows, n]; may be <paramref name="X"/>.</param>
    /// <param name="rows">Rows to normalise.</param>
    public void Apply(Matrix X, Matrix Y, int rows)
    {
        ArgumentNullException.ThrowIfNull(X);
        ArgumentNullException.ThrowIfNull(Y);
        SteadyLoop.For(rows, Grain.Of(X.Columns), (Norm: this, X, Y), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) s.Norm.Apply(s.X.Row(t), s.Y.Row(t));
        });
    }
}

/// <summary>RMSNorm (arXiv 1910.07467): y = w ⊙ x · 1/√(mean(x²) + ε).</summary>
/// <param name="weight">[n].</param>
/// <param name="epsilon">ε, added to the mean square.</param>
public sealed class RmsNorm(float[] weight, float epsilon) : Norm
{
    /// <inheritdoc/>
    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        float scale = 1f / MathF.Sqrt((LaneSum.OfSquares(x) / x.Length) + epsilon);
        TensorPrimitives.Multiply(x, scale, y);
        TensorPrimitives.Multiply(y, weight, y);
    }
}

/// <summary>LayerNorm (arXiv 1607.06450): y = w ⊙ (x − mean(x)) · 1/√(var(x) + ε) + b.</summary>
/// <param name="weight">[n], or null for 1.</param>
/// <param name="bias">[n], or null for 0.</param>
/// <param name="epsilon">ε, added to the variance.</param>
public sealed class LayerNorm(float[]? weight, float[]? bias, float epsilon) : Norm
{
    /// <inheritdoc/>
    public override void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        float mean = LaneSum.Of(x) / x.Length;
        TensorPrimitives.Subtract(x, mean, y);
        float scale = 1f / MathF.Sqrt((LaneSum.OfSquares(y) / y.Length) + epsilon);
        TensorPrimitives.Multiply(y, scale, y);
        if (weight is not null) TensorPrimitives.Multiply(y, weight, y);
        if (bias is not null) TensorPrimitives.Add(y, bias, y);
    }
}
