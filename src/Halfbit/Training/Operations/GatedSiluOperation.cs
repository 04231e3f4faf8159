using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// y = silu(g) ⊙ u, silu(g) = g·σ(g), σ(g) = 1/(1 + e⁻ᵍ) (arXiv 2002.05202). Backward: du = dy ⊙ silu(g), dg = dy ⊙ u ⊙ σ·(1 + g·(1 − σ)).
/// </summary>
internal static class GatedSiluOperation
{
    /// <summary>Y ← silu(gate) ⊙ up.</summary>
    /// <param name="gate">[tokens, n].</param>
    /// <param name="up">[tokens, n].</param>
    /// <param name="Y">[tokens, n].</param>
    public static void Forward<T>(Matrix<T> gate, Matrix<T> up, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => ElementwiseLoop.For(Y.Data.Length, (start, end) =>
        {
            ReadOnlySpan<T> g = gate.Data.AsSpan(start, end - start), u = up.Data.AsSpan(start, end - start);
            Span<T> y = Y.Data.AsSpan(start, end - start);
            TensorPrimitives.Sigmoid(g, y);
            TensorPrimitives.Multiply(y, g, y);
            TensorPrimitives.Multiply(y, u, y);
        });

    /// <summary>The gradients of gate and up.</summary>
    /// <param name="gate">[tokens, n].</param>
    /// <param name="up">[tokens, n].</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dGate">[tokens, n].</param>
    /// <param name="dUp">[tokens, n].</param>
    public static void Backward<T>(Matrix<T> gate, Matrix<T> up, Matrix<T> dY, Matrix<T> dGate, Matrix<T> dUp)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => ElementwiseLoop.For(dY.Data.Length, (start, end) =>
        {
            int count = end - start;
            ReadOnlySpan<T> g = gate.Data.AsSpan(start, count), u = up.Data.AsSpan(start, count), dy = dY.Data.AsSpan(start, count);
            Span<T> dg = dGate.Data.AsSpan(start, count), du = dUp.Data.AsSpan(start, count), sigmoid = RowScratch<T>.Take(count);
            TensorPrimitives.Sigmoid(g, sigmoid);
            TensorPrimitives.Multiply(sigmoid, g, du);                  // silu(g)
            TensorPrimitives.Subtract(g, du, dg);                       // g·(1 − σ)
            TensorPrimitives.Add(dg, T.One, dg);
            TensorPrimitives.Multiply(dg, sigmoid, dg);
            TensorPrimitives.Multiply(dg, u, dg);
            TensorPrimitives.Multiply(dg, dy, dg);
            TensorPrimitives.Multiply(du, dy, du);
        });
}
