using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>A tensor of the model with its gradient. Vectors (norm weights, biases) are [1, n].</summary>
/// <typeparam name="T">Element type.</typeparam>
/// <param name="name">The tensor's name in the checkpoint.</param>
/// <param name="value">[rows, columns]; kept, not copied.</param>
internal sealed class Parameter<T>(string name, Matrix<T> value)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private Matrix<T>? gradient;

    /// <summary>The tensor's name in the checkpoint.</summary>
    public string Name { get; } = name;

    /// <summary>[rows, columns], the current value.</summary>
    public Matrix<T> Value { get; } = value;

    /// <summary>[rows, columns], gradient of the loss; allocated and zero when first asked for.</summary>
    public Matrix<T> Gradient => gradient ??= new Matrix<T>(Value.Rows, Value.Columns);

    /// <summary>Whether the optimizer changes the value.</summary>
    public bool IsTrained { get; init; } = true;

    /// <summary>Whether the checkpoint's tensor has one dimension.</summary>
    public bool IsVector { get; init; }

    /// <summary>Whether weight decay applies.</summary>
    public bool Decays { get; init; } = true;
}
