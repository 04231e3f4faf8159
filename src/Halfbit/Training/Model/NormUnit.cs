using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>RMSNorm or LayerNorm with its parameters.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class NormUnit<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly bool isRms;
    private readonly double epsilon;

    private NormUnit(bool isRms, Parameter<T>? weight, Parameter<T>? bias, double epsilon)
    {
        (this.isRms, this.epsilon) = (isRms, epsilon);
        (Weight, Bias) = (weight, bias);
    }

    /// <summary>[1, features], or null for 1.</summary>
    public Parameter<T>? Weight { get; }

    /// <summary>[1, features], or null for 0.</summary>
    public Parameter<T>? Bias { get; }

    /// <summary>An RMSNorm.</summary>
    public static NormUnit<T> Rms(Parameter<T> weight, double epsilon) => new(isRms: true, weight, bias: null, epsilon);

    /// <summary>A LayerNorm.</summary>
    public static NormUnit<T> Layer(Parameter<T>? weight, Parameter<T>? bias, double epsilon) => new(isRms: false, weight, bias, epsilon);

    /// <summary>Y ← norm(X).</summary>
    public void Forward(Matrix<T> X, Matrix<T> Y)
    {
        if (isRms) RmsNormOperation.Forward(X, Weight!.Value, epsilon, Y);
        else LayerNormOperation.Forward(X, Weight?.Value, Bias?.Value, epsilon, Y);
    }

    /// <summary>dX += what dY says of X, and the gradients of the parameters.</summary>
    public void Backward(Matrix<T> X, Matrix<T> dY, Matrix<T> dX)
    {
        if (isRms) RmsNormOperation.Backward(X, Weight!.Value, epsilon, dY, dX, GradientOf(Weight));
        else LayerNormOperation.Backward(X, Weight?.Value, epsilon, dY, dX, GradientOf(Weight), GradientOf(Bias));
    }

    private static Matrix<T>? GradientOf(Parameter<T>? parameter) => parameter is { IsTrained: true } ? parameter.Gradient : null;
}
