using System.Numerics;
using System.Numerics.Tensors;
using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>
/// Distillation (arXiv 1503.02531): D = Σₜ KL(p ‖ q) with p = softmax(teacher/τ) and q = softmax(student/τ) of each row.
/// </summary>
internal static class DivergenceOperation
{
    [ThreadStatic]
    private static double[]? sumBuffer;

    /// <summary>Returns D and adds the gradient of weight·τ²·D, which is weight·τ·(q − p): the factor τ² keeps its size when the temperature changes.</summary>
    /// <param name="logits">Student, [tokens, vocabulary]; unchanged.</param>
    /// <param name="teacherLogits">Teacher, [tokens, vocabulary]; unchanged.</param>
    /// <param name="targets">[tokens]; rows whose target is <see cref="CrossEntropyOperation.NotCounted"/> do not count.</param>
    /// <param name="temperature">τ, above 0.</param>
    /// <param name="weight">What τ²·D is multiplied with, for example 1 / tokens.</param>
    /// <param name="dLogits">[tokens, vocabulary], added to; must not overlap the logits.</param>
    /// <returns>D in nats, without weight and τ².</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or the temperature is not above 0.</exception>
    public static double ForwardBackward<T>(Matrix<T> logits, Matrix<T> teacherLogits, ReadOnlySpan<int> targets, double temperature, T weight, Matrix<T> dLogits)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (!(temperature > 0)) throw new ArgumentException($"temperature {temperature} is not above 0", nameof(temperature));
        ShapeCheck.Same(teacherLogits, logits);
        ShapeCheck.Same(dLogits, logits);
        if (targets.Length != logits.Rows) throw new ArgumentException($"{targets.Length} targets are not those of {logits.Rows} rows of logits", nameof(targets));
        int[] expected = targets.ToArray();
        double[] sums = OperationScratch<double>.Array(ref sumBuffer, logits.Rows);
        SteadyLoop.For(logits.Rows, Grain.Of(2 * logits.Columns), (logits, teacherLogits, expected, temperature, weight, dLogits, sums), static (s, start, end) =>
        {
            for (int t = start; t < end; t++) s.sums[t] = s.expected[t] == CrossEntropyOperation.NotCounted ? 0 : Row(s.logits.Row(t), s.teacherLogits.Row(t), s.temperature, s.weight, s.dLogits.Row(t));
        });
        double sum = 0;
        for (int t = 0; t < logits.Rows; t++) sum += sums[t];
        return sum;
    }

    /// <summary>KL(p ‖ q) = Σ p·((teacher − max)/τ − (student − max)/τ) − log Σ exp((teacher − max)/τ) + log Σ exp((student − max)/τ), each with its own maximum.</summary>
    private static double Row<T>(ReadOnlySpan<T> student, ReadOnlySpan<T> teacher, double temperature, T weight, Span<T> gradient)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T scale = T.CreateChecked(1 / temperature);
        Span<T> differences = OperationScratch<T>.First(student.Length);
        Span<T> p = OperationScratch<T>.Second(student.Length);

        TensorPrimitives.Subtract(teacher, TensorPrimitives.Max(teacher), p);
        TensorPrimitives.Multiply(p, scale, p);
        TensorPrimitives.Subtract(student, TensorPrimitives.Max(student), differences);
        TensorPrimitives.Multiply(differences, scale, differences);
        TensorPrimitives.Subtract(p, differences, differences);
        TensorPrimitives.Exp(p, p);
        double teacherSum = RowSum.InDouble<T>(p);
        double mean = RowSum.OfProductsInDouble<T>(p, differences) / teacherSum;
        double factor = double.CreateChecked(weight) * temperature;
        TensorPrimitives.MultiplyAdd(p, T.CreateChecked(-factor / teacherSum), gradient, gradient);

        Span<T> q = differences;
        TensorPrimitives.Subtract(student, TensorPrimitives.Max(student), q);
        TensorPrimitives.Multiply(q, scale, q);
        TensorPrimitives.Exp(q, q);
        double studentSum = RowSum.InDouble<T>(q);
        TensorPrimitives.MultiplyAdd(q, T.CreateChecked(factor / studentSum), gradient, gradient);
        return mean - Math.Log(teacherSum) + Math.Log(studentSum);
    }
}
