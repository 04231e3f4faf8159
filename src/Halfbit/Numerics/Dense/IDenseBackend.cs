namespace Halfbit.Numerics;

/// <summary>Who computes dense products. Shapes are checked by the caller, and no dimension of C is zero.</summary>
internal interface IDenseBackend
{
    /// <summary>The name under which it is chosen and reported.</summary>
    string Name { get; }

    /// <inheritdoc cref="DenseProduct.MultiplyTransposed"/>
    void MultiplyTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate);

    /// <inheritdoc cref="DenseProduct.Multiply"/>
    void Multiply(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate);

    /// <inheritdoc cref="DenseProduct.MultiplyFirstTransposed"/>
    void MultiplyFirstTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate);

    /// <inheritdoc cref="DenseProduct.SubtractProduct"/>
    void SubtractProduct(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C);

    /// <inheritdoc cref="DenseProduct.AddGramUpper"/>
    void AddGramUpper(MatrixView<float> X, MatrixView<float> H);
}
