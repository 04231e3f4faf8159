using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Cross-entropy of next tokens: L = Σ_t −log softmax(z_t)[target_t]. Backward: dz = softmax(z) − onehot(target). Targets of −1 do not count.</summary>
internal static class CrossEntropyOperation
{
    /// <summary>A target that does not count.</summary>
    public const int Ignored = -1;

    /// <summary>L.</summary>
    /// <param name="logits">[tokens, vocabulary].</param>
    /// <param name="targets">[tokens].</param>
    /// <returns>Nats, summed in double precision.</returns>
    public static double Forward<T>(Matrix<T> logits, ReadOnlySpan<int> targets)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => Run(logits, targets, default, writes: false);

    /// <summary>L, and logits ← weight·dL/dlogits.</summary>
    /// <param name="logits">[tokens, vocabulary]; logits on entry, their gradient on return.</param>
    /// <param name="targets">[tokens].</param>
    /// <param name="weight">Factor of the gradient, not of L.</param>
    /// <returns>Nats.</returns>
    public static double ForwardBackward<T>(Matrix<T> logits, ReadOnlySpan<int> targets, T weight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => Run(logits, targets, weight, writes: true);

    private static double Run<T>(Matrix<T> logits, ReadOnlySpan<int> targets, T weight, bool writes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int[] expected = targets.ToArray();
        var losses = new double[expected.Length];
        RowParallel.For(expected.Length, 1, (start, end) =>
        {
            for (int t = start; t < end; t++)
            {
                Span<T> z = logits.Row(t);
                if (expected[t] == Ignored)
                {
                    if (writes) z.Clear();
                    continue;
                }

                Span<T> p = writes ? z : RowScratch<T>.Take(z.Length);
                T target = z[expected[t]];
                T max = TensorPrimitives.Max<T>(z);
                TensorPrimitives.Subtract(z, max, p);
                TensorPrimitives.Exp(p, p);
                T sum = TensorPrimitives.Sum<T>(p);
                losses[t] = Math.Log(double.CreateChecked(sum)) + double.CreateChecked(max) - double.CreateChecked(target);
                if (!writes) continue;
                TensorPrimitives.Multiply(p, weight / sum, p);
                p[expected[t]] -= weight;
            }
        });
        double total = 0;
        foreach (double loss in losses) total += loss;
        return total;
    }
}
