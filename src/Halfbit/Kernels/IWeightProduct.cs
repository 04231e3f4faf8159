using Halfbit.Numerics;

namespace Halfbit.Kernels;

/// <summary>Weights that know how to multiply: nothing needs to expand them first.</summary>
public interface IWeightProduct : IWeightRows
{
    /// <summary>Y ← X·Wᵀ.</summary>
    /// <param name="X">[t, columns].</param>
    /// <param name="Y">[t, rows].</param>
    /// <remarks>A row of Y depends on its row of X alone: it has the same bits for any number of rows and threads.</remarks>
    void MultiplyTransposed(MatrixView<float> X, MatrixView<float> Y);
}
