using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>The gate of LLaMA's feed-forward part, element by element: y = silu(g)·u with silu(g) = g·σ(g), σ(g) = 1/(1 + e⁻ᵍ).</summary>
internal static class GatedSiluOperation
{
    /// <summary>Elements between the exponential function and its use: they stay in the nearest cache.</summary>
    private const int Piece = 256;

    /// <summary>y ← silu(g)·u.</summary>
    /// <param name="gate">g, [tokens, n].</param>
    /// <param name="up">u, [tokens, n].</param>
    /// <param name="Y">[tokens, n], destination.</param>
    public static void Forward<T>(Matrix<T> gate, Matrix<T> up, Matrix<T> Y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Same(up, gate);
        ShapeCheck.Same(Y, gate);
        SteadyLoop.For(gate.Rows, Grain.Of(gate.Columns), (gate, up, Y), static (s, start, end) =>
        {
            Span<T> sigmoid = stackalloc T[Piece];
            for (int t = start; t < end; t++)
            {
                for (int j = 0; j < s.gate.Columns; j += Piece)
                {
                    int count = Math.Min(Piece, s.gate.Columns - j);
                    ReadOnlySpan<T> g = s.gate.Row(t).Slice(j, count);
                    Span<T> y = s.Y.Row(t).Slice(j, count);
                    Span<T> sigma = sigmoid[..count];
                    TensorPrimitives.Sigmoid(g, sigma);
                    TensorPrimitives.Multiply(g, sigma, sigma);
                    TensorPrimitives.Multiply(sigma, s.up.Row(t).Slice(j, count), y);
                }
            }
        });
    }

    /// <summary>du ← dy·silu(g);  dg ← dy·u·silu′(g) with silu′(g) = σ(g)·(1 + g·(1 − σ(g))).</summary>
    /// <param name="gate">g, [tokens, n].</param>
    /// <param name="up">u, [tokens, n].</param>
    /// <param name="dY">[tokens, n].</param>
    /// <param name="dGate">[tokens, n], destination; may be <paramref name="gate"/>.</param>
    /// <param name="dUp">[tokens, n], destination; may be <paramref name="up"/> or <paramref name="dY"/>.</param>
    public static void Backward<T>(Matrix<T> gate, Matrix<T> up, Matrix<T> dY, Matrix<T> dGate, Matrix<T> dUp)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Same(up, gate);
        ShapeCheck.Same(dY, gate);
        ShapeCheck.Same(dGate, gate);
        ShapeCheck.Same(dUp, gate);
        SteadyLoop.For(gate.Rows, Grain.Of(gate.Columns), (gate, up, dY, dGate, dUp), static (s, start, end) =>
        {
            Span<T> sigmoid = stackalloc T[Piece];
            for (int t = start; t < end; t++)
            {
                for (int j = 0; j < s.gate.Columns; j += Piece)
                {
                    int count = Math.Min(Piece, s.gate.Columns - j);
                    ReadOnlySpan<T> g = s.gate.Row(t).Slice(j, count);
                    TensorPrimitives.Sigmoid(g, sigmoid[..count]);
                    Backward(g, sigmoid[..count], s.up.Row(t).Slice(j, count), s.dY.Row(t).Slice(j, count), s.dGate.Row(t).Slice(j, count), s.dUp.Row(t).Slice(j, count));
                }
            }
        });
    }

    /// <summary>One piece; vectors and tail round alike.</summary>
    private static void Backward<T>(ReadOnlySpan<T> g, ReadOnlySpan<T> sigmoid, ReadOnlySpan<T> u, ReadOnlySpan<T> dy, Span<T> dg, Span<T> du)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int j = 0;
        for (; j <= g.Length - Vector<T>.Count; j += Vector<T>.Count)
        {
            var gate = new Vector<T>(g[j..]);
            var sigma = new Vector<T>(sigmoid[j..]);
            var up = new Vector<T>(u[j..]);
            var upstream = new Vector<T>(dy[j..]);
            Vector<T> silu = gate * sigma;
            (upstream * up * (sigma + (silu * (Vector<T>.One - sigma)))).CopyTo(dg[j..]);
            (upstream * silu).CopyTo(du[j..]);
        }

        for (; j < g.Length; j++)
        {
            T sigma = sigmoid[j];
            T silu = g[j] * sigma;
            T upstream = dy[j];
            dg[j] = upstream * u[j] * (sigma + (silu * (T.One - sigma)));
            du[j] = upstream * silu;
        }
    }
}
