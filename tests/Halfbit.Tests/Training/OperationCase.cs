using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Tests.Training;

/// <summary>An operation with shapes: outputs from inputs, and gradients of inputs from those of outputs.</summary>
public abstract class OperationCase
{
    /// <summary>Names and shapes of the inputs.</summary>
    internal abstract IReadOnlyList<(string Name, int Rows, int Columns)> Inputs { get; }

    /// <summary>The outputs, newly allocated.</summary>
    internal abstract Matrix<T>[] Forward<T>(Matrix<T>[] inputs)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>The gradient of Σ dOutput ⊙ output for each input; null where it has none. Inputs are left as they are.</summary>
    internal abstract Matrix<T>?[] Backward<T>(Matrix<T>[] inputs, Matrix<T>[] dOutputs)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>One element of an input, a number that single precision holds exactly.</summary>
    internal virtual double Draw(Random random, int input) => (float)((random.NextDouble() * 2) - 1);

    public override string ToString() => $"{GetType().Name} {string.Join(", ", Inputs.Select(x => $"{x.Name} [{x.Rows}, {x.Columns}]"))}";

    /// <summary>A matrix to be overwritten: what is left of it shows.</summary>
    internal static Matrix<T> Fresh<T>(int rows, int columns)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var matrix = new Matrix<T>(rows, columns);
        matrix.Data.AsSpan().Fill(T.NaN);
        return matrix;
    }

    /// <summary>A matrix to be added to; <see cref="Added"/> takes the start away again.</summary>
    internal static Matrix<T> Begun<T>(int rows, int columns)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var matrix = new Matrix<T>(rows, columns);
        matrix.Data.AsSpan().Fill(T.CreateChecked(0.5));
        return matrix;
    }

    internal static Matrix<T> Added<T>(Matrix<T> begun)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (ref T element in begun.Data.AsSpan()) element -= T.CreateChecked(0.5);
        return begun;
    }
}
