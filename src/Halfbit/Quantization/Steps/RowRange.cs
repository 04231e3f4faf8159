using System.Numerics.Tensors;

namespace Halfbit.Quantization.Steps;

/// <summary>Smallest and largest value of a span; exact, so the order of comparison does not matter.</summary>
internal static class RowRange
{
    /// <summary>(min, max) of at least one finite value.</summary>
    public static (float Low, float High) Of(ReadOnlySpan<float> values) => (TensorPrimitives.Min(values), TensorPrimitives.Max(values));
}
