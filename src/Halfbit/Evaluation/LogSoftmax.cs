using System.Numerics.Tensors;
using Halfbit.Models;

namespace Halfbit.Evaluation;

/// <summary>Logarithm of the softmax's denominator, in single precision with a sum in double precision.</summary>
internal static class LogSoftmax
{
    /// <summary>log Σ exp(logit).</summary>
    /// <param name="logits">[n].</param>
    /// <param name="exponentials">[n], destination: exp(logit − largest logit).</param>
    /// <param name="sum">Sum of the exponentials.</param>
    /// <returns>NaN or infinite where logits are not finite.</returns>
    public static double LogSumExp(ReadOnlySpan<float> logits, Span<float> exponentials, out double sum)
    {
        float max = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, max, exponentials);
        TensorPrimitives.Exp(exponentials, exponentials);
        sum = LaneSum.InDouble(exponentials);
        return max + Math.Log(sum);
    }
}
