using System.Numerics.Tensors;

namespace Halfbit.Models;

/// <summary>The activation functions of the feed-forward parts, on one row.</summary>
internal static class Activations
{
    /// <summary>gate ← silu(gate) ⊙ up, with silu(x) = x / (1 + e⁻ˣ).</summary>
    /// <param name="gate">[n], destination.</param>
    /// <param name="up">[n].</param>
    public static void GatedSilu(Span<float> gate, ReadOnlySpan<float> up)
    {
        const int Piece = 256;
        Span<float> sigmoid = stackalloc float[Piece];
        for (int j = 0; j < gate.Length; j += Piece)
        {
            Span<float> part = gate[j..Math.Min(j + Piece, gate.Length)];
            TensorPrimitives.Sigmoid(part, sigmoid[..part.Length]);
            TensorPrimitives.Multiply(part, sigmoid[..part.Length], part);
            TensorPrimitives.Multiply(part, up.Slice(j, part.Length), part);
        }
    }

    /// <summary>x ← max(x, 0).</summary>
    public static void Relu(Span<float> x) => TensorPrimitives.Max(x, 0f, x);

    /// <summary>x ← x·Φ(x) = x/2·(1 + erf(x/√2)).</summary>
    public static void Gelu(Span<float> x)
    {
        for (int j = 0; j < x.Length; j++) x[j] = (float)(0.5 * x[j] * (1 + ErrorFunction(x[j] / Math.Sqrt(2))));
    }

    /// <summary>erf(x) = 2/√π · e^(−x²) · Σₙ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)); all terms have one sign, so nothing cancels.</summary>
    internal static double ErrorFunction(double x)
    {
        if (!(Math.Abs(x) < 6)) return double.IsNaN(x) ? x : Math.Sign(x);
        double term = x;
        double sum = x;
        for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
