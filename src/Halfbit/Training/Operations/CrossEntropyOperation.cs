using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>Cross-entropy of the next token: Σₜ −log softmax(zₜ)[targetₜ] over the rows with a target.</summary>
internal static class CrossEntropyOperation
{
    /// <summary>The target of a row that is not counted.</summary>
    public const int NotCounted = -1;

    [ThreadStatic]
    private static double[]? lossBuffer;

    [ThreadStatic]
    private static int[]? targetBuffer;

    /// <summary>Σₜ (log Σ exp(zₜ) − zₜ[targetₜ]), not divided.</summary>
    /// <param name="logits">z, [tokens, vocabulary]; unchanged.</param>
    /// <param name="targets">[tokens]; −1 is not counted.</param>
    /// <returns>Nats.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or a target is outside the vocabulary.</exception>
    public static double Forward<T>(Matrix<T> logits, ReadOnlySpan<int> targets)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => Run(logits, targets, T.Zero, isBackward: false);

    /// <summary>The same sum; z ← weight·(softmax(z) − onehot(target)), and 0 in rows that are not counted.</summary>
    /// <param name="logits">z, [tokens, vocabulary]; on return their gradient.</param>
    /// <param name="targets">[tokens]; −1 is not counted.</param>
    /// <param name="weight">What the loss is multiplied with, for example 1 / counted targets.</param>
    /// <returns>Nats, without the weight.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or a target is outside the vocabulary.</exception>
    public static double ForwardBackward<T>(Matrix<T> logits, ReadOnlySpan<int> targets, T weight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        => Run(logits, targets, weight, isBackward: true);

    private static double Run<T>(Matrix<T> logits, ReadOnlySpan<int> targets, T weight, bool isBackward)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeCheck.Ids(targets, logits.Rows, NotCounted, logits.Columns);
        int[] kept = OperationScratch<int>.Array(ref targetBuffer, logits.Rows);
        targets.CopyTo(kept);
        double[] losses = OperationScratch<double>.Array(ref lossBuffer, logits.Rows);
        SteadyLoop.For(logits.Rows, Grain.Of(logits.Columns), (logits, kept, weight, isBackward, losses), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) s.losses[t] = Row(s.logits.Row(t), s.kept[t], s.weight, s.isBackward);
        });
        double sum = 0;
        for (int t = 0; t < logits.Rows; t++) sum += losses[t];
        return sum;
    }

    private static double Row<T>(Span<T> z, int target, T weight, bool isBackward)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (target == NotCounted)
        {
            if (isBackward) z.Clear();
            return 0;
        }

        T own = z[target];
        T max = TensorPrimitives.Max<T>(z);
        Span<T> exponentials = isBackward ? z : OperationScratch<T>.First(z.Length);
        TensorPrimitives.Subtract(z, max, exponentials);
        TensorPrimitives.Exp(exponentials, exponentials);
        double sum = RowSum.InDouble<T>(exponentials);
        if (isBackward)
        {
            TensorPrimitives.Multiply(z, T.CreateChecked(double.CreateChecked(weight) / sum), z);
            z[target] -= weight;
        }

        return double.CreateChecked(max) - double.CreateChecked(own) + Math.Log(sum);
    }
}
