using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>A linear layer y = x·Ŵᵀ + b, where Ŵ is the weight itself or what a form makes of it.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed class LinearUnit<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private Matrix<T>? effective;
    private Matrix<T>? buffer;

    /// <summary>A layer.</summary>
    /// <param name="name">Its name in the checkpoint, without <c>.weight</c>.</param>
    /// <param name="weight">[out, in], the latent weights.</param>
    /// <param name="bias">[1, out], or null.</param>
    public LinearUnit(string name, Parameter<T> weight, Parameter<T>? bias)
    {
        (Name, Weight, Bias) = (name, weight, bias);
    }

    /// <summary>Its name in the checkpoint.</summary>
    public string Name { get; }

    /// <summary>[out, in], the latent weights. During a step its gradient is that of Ŵ.</summary>
    public Parameter<T> Weight { get; }

    /// <summary>[1, out], or null.</summary>
    public Parameter<T>? Bias { get; }

    /// <summary>Makes Ŵ of the weights; null: they are Ŵ.</summary>
    public IWeightForm<T>? Form { get; set; }

    /// <summary>Outputs.</summary>
    public int Rows => Weight.Value.Rows;

    /// <summary>Inputs.</summary>
    public int Columns => Weight.Value.Columns;

    /// <summary>Ŵ, [out, in].</summary>
    public Matrix<T> Effective => Form is null ? Weight.Value : effective ?? throw new InvalidOperationException($"{Name}: Refresh was not called");

    /// <summary>Makes Ŵ anew; after each change of the weights.</summary>
    public void Refresh()
    {
        if (Form is null) return;
        if (Form.NeedsBuffer) buffer ??= new Matrix<T>(Rows, Columns);
        effective = Form.Forward(Weight.Value, buffer);
    }

    /// <summary>Turns the gradient of Ŵ into that of the weights, in place; once for each step.</summary>
    public void PullBack()
    {
        if (Form is not null && Weight.IsTrained) Form.Backward(Weight.Value, Weight.Gradient);
    }

    /// <summary>Y ← X·Ŵᵀ + b.</summary>
    public void Forward(Matrix<T> X, Matrix<T> Y) => LinearOperation.Forward(X, Effective, Bias?.Value, Y);

    /// <summary>dX ← dY·Ŵ (or dX += …), and the gradients of weights and bias.</summary>
    /// <param name="X">[tokens, in], the input of the forward pass.</param>
    /// <param name="dY">[tokens, out].</param>
    /// <param name="dX">[tokens, in], or null where nobody needs it.</param>
    /// <param name="accumulate">Whether dX is added to.</param>
    public void Backward(Matrix<T> X, Matrix<T> dY, Matrix<T>? dX, bool accumulate = false)
        => LinearOperation.Backward(X, Effective, dY, dX, accumulate, Weight.IsTrained ? Weight.Gradient : null, Bias is { IsTrained: true } ? Bias.Gradient : null);
}
