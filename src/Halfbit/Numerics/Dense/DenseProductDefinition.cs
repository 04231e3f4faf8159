namespace Halfbit.Numerics;

/// <summary>What the dense products are, element by element. Chosen by HALFBIT_KERNEL=scalar; every other form must give the same bits.</summary>
internal sealed class DenseProductDefinition : IDenseBackend
{
    /// <inheritdoc/>
    public string Name => "scalar";

    /// <inheritdoc/>
    public void MultiplyTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
    {
        for (int i = 0; i < A.Rows; i++)
        {
            for (int j = 0; j < B.Rows; j++)
            {
                float sum = accumulate ? C[i, j] : 0f;
                for (int k = 0; k < A.Columns; k++) sum = MathF.FusedMultiplyAdd(A[i, k], B[j, k], sum);
                C[i, j] = sum;
            }
        }
    }

    /// <inheritdoc/>
    public void Multiply(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
    {
        for (int i = 0; i < A.Rows; i++)
        {
            if (!accumulate) C.Row(i).Clear();
            for (int k = 0; k < A.Columns; k++)
            {
                for (int j = 0; j < B.Columns; j++) C[i, j] = MathF.FusedMultiplyAdd(A[i, k], B[k, j], C[i, j]);
            }
        }
    }

    /// <inheritdoc/>
    public void MultiplyFirstTransposed(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C, bool accumulate)
    {
        for (int i = 0; i < A.Columns; i++)
        {
            for (int j = 0; j < B.Columns; j++)
            {
                float sum = accumulate ? C[i, j] : 0f;
                for (int k = 0; k < A.Rows; k++) sum = MathF.FusedMultiplyAdd(A[k, i], B[k, j], sum);
                C[i, j] = sum;
            }
        }
    }

    /// <inheritdoc/>
    public void SubtractProduct(MatrixView<float> A, MatrixView<float> B, MatrixView<float> C)
    {
        for (int i = 0; i < A.Rows; i++)
        {
            for (int k = 0; k < A.Columns; k++)
            {
                for (int j = 0; j < B.Columns; j++) C[i, j] = MathF.FusedMultiplyAdd(-A[i, k], B[k, j], C[i, j]);
            }
        }
    }

    /// <inheritdoc/>
    public void AddGramUpper(MatrixView<float> X, MatrixView<float> H)
    {
        for (int i = 0; i < X.Columns; i++)
        {
            for (int j = i; j < X.Columns; j++)
            {
                float sum = 0f;
                for (int t = 0; t < X.Rows; t++) sum = MathF.FusedMultiplyAdd(X[t, i], X[t, j], sum);
                H[i, j] += sum;
            }
        }
    }
}
