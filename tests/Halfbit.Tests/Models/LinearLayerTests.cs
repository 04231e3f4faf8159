using Halfbit.Models;
using Halfbit.Numerics;

namespace Halfbit.Tests.Models;

public sealed class LinearLayerTests
{
    [Theory]
    [InlineData(1, 5, 3)]
    [InlineData(1, 700, 300)]
    [InlineData(31, 130, 70)]
    [InlineData(40, 1100, 96)]
    public void Tiles_and_threads_change_no_bit(int rows, int outputs, int inputs)
    {
        Matrix W = RandomMatrix.Create(outputs, inputs, 1);
        Matrix X = RandomMatrix.Create(rows + 2, inputs, 2);
        float[] bias = RandomMatrix.Create(1, outputs, 3).Data;
        var expected = new Matrix(rows + 2, outputs);
        for (int t = 0; t < rows; t++)
        {
            for (int i = 0; i < outputs; i++)
            {
                float sum = 0;
                for (int k = 0; k < inputs; k++) sum = MathF.FusedMultiplyAdd(X[t, k], W[i, k], sum);
                expected[t, i] = sum + bias[i];
            }
        }

        int threads = RowParallel.Threads;
        try
        {
            foreach (int count in (int[])[1, 2, 5])
            {
                RowParallel.Threads = count;
                foreach (IWeightRows weights in (IWeightRows[])[W, new Indirect(W)])
                {
                    var Y = new Matrix(rows + 2, outputs);
                    new LinearLayer("layer", weights, bias).Apply(X, Y, rows);
                    Assert.Equal(expected.Data, Y.Data);
                }
            }
        }
        finally
        {
            RowParallel.Threads = threads;
        }
    }

    [Fact]
    public void Weights_can_be_replaced_by_others_of_the_same_shape_only()
    {
        var layer = new LinearLayer("layer", RandomMatrix.Create(4, 8, 1));
        Matrix other = RandomMatrix.Create(4, 8, 2);
        layer.Weights = other;
        Matrix X = RandomMatrix.Create(1, 8, 3);
        var Y = new Matrix(1, 4);
        layer.Apply(X, Y, 1);
        var expected = new Matrix(1, 4);
        DenseProduct.MultiplyTransposed(X.View, other.View, expected.View);
        Assert.Equal(expected.Data, Y.Data);
        Assert.Throws<ArgumentException>(() => layer.Weights = RandomMatrix.Create(8, 4, 2));
        Assert.Throws<ArgumentException>(() => layer.Apply(X, Y, 2));
        Assert.Throws<ArgumentException>(() => layer.Apply(Y, X, 1));
        Assert.Throws<ArgumentException>(() => new LinearLayer("layer", other, new float[5]));
    }

    /// <summary>Weights that must be expanded, as mapped or packed ones are.</summary>
    private sealed class Indirect(Matrix matrix) : IWeightRows
    {
        public int Rows => matrix.Rows;

        public int Columns => matrix.Columns;

        public void ReadRows(int firstRow, MatrixView<float> destination) => matrix.ReadRows(firstRow, destination);
    }
}
