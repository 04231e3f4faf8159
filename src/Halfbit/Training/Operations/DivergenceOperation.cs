using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// Divergence from a teacher (arXiv 1503.02531): D = Σ_t KL(p_t ‖ q_t), p = softmax(teacher/τ), q = softmax(z/τ). Backward: dz = (q − p)/τ. Tokens whose target is −1 do not count.
/// </summary>
internal static class DivergenceOperation
{
    /// <summary>D, and dLogits += weight·dD/dlogits.</summary>
    /// <param name="logits">[tokens, vocabulary].</param>
    /// <param name="teacher">[tokens, vocabulary].</param>
    /// <param name="targets">[tokens]; −1 where a token does not count.</param>
    /// <param name="temperature">τ, above 0.</param>
    /// <param name="weight">Factor of the gradient, not of D.</param>
    /// <param name="dLogits">[tokens, vocabulary], added to.</param>
    /// <returns>Nats, summed in double precision.</returns>
    public static double ForwardBackward<T>(Matrix<T> logits, Matrix<T> teacher, ReadOnlySpan<int> targets, double temperature, T weight, Matrix<T> dLogits)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int[] expected = targets.ToArray();
        var divergences = new double[expected.Length];
        RowParallel.For(expected.Length, 1, (start, end) =>
        {
            T inverse = T.One / T.CreateChecked(temperature);
            int n = logits.Columns;
            Span<T> room = RowScratch<T>.Take(3 * n);
            Span<T> p = room[..n], q = room[n..(2 * n)], difference = room[(2 * n)..];
            for (int t = start; t < end; t++)
            {
                if (expected[t] == CrossEntropyOperation.Ignored) continue;
                T logP = Softmax(teacher.Row(t), inverse, p);
                T logQ = Softmax(logits.Row(t), inverse, q);

                // Σ p·(log p − log q) = Σ p·(teacher − z)/τ − log-sum of the teacher + log-sum of z
                TensorPrimitives.Subtract(teacher.Row(t), logits.Row(t), difference);
                divergences[t] = double.CreateChecked((TensorPrimitives.Dot<T>(p, difference) * inverse) - logP + logQ);
                TensorPrimitives.Subtract(q, p, difference);
                TensorPrimitives.MultiplyAdd(difference, weight * inverse, dLogits.Row(t), dLogits.Row(t));
            }
        });
        double total = 0;
        foreach (double divergence in divergences) total += divergence;
        return total;
    }

    /// <summary>p ← softmax(z·inverse).</summary>
    /// <returns>log Σ exp(z·inverse).</returns>
    private static T Softmax<T>(ReadOnlySpan<T> z, T inverse, Span<T> p)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TensorPrimitives.Multiply(z, inverse, p);
        T max = TensorPrimitives.Max<T>(p);
        TensorPrimitives.Subtract(p, max, p);
        TensorPrimitives.Exp(p, p);
        T sum = TensorPrimitives.Sum<T>(p);
        TensorPrimitives.Multiply(p, T.One / sum, p);
        return max + T.Log(sum);
    }
}
