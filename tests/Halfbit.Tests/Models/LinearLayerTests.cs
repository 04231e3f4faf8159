using System.Runtime.InteropServices;
using Halfbit.Checkpoints;
using Halfbit.Models;
using Halfbit.Numerics;
using Halfbit.Tests.Support;

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

    [Theory]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void Weights_of_16_bits_in_a_file_give_the_bits_of_expanded_ones_for_any_number_of_rows(ElementType type)
    {
        const int Outputs = 300;
        const int Inputs = 203;
        using var folder = new TemporaryFolder();
        Matrix random = RandomMatrix.Create(Outputs, Inputs, 1);
        ushort[] bits = [.. random.Data.Select(w => type == ElementType.F16 ? BitConverter.HalfToUInt16Bits((Half)w) : HalfConversion.NarrowToBFloat16(w))];
        using (var writer = new SafetensorsWriter(folder["w.safetensors"], [new TensorDeclaration("w", type, [Outputs, Inputs])]))
        {
            writer.Write(MemoryMarshal.AsBytes<ushort>(bits));
            writer.Complete();
        }

        using SafetensorsFile file = SafetensorsFile.Open(folder["w.safetensors"]);
        MappedTensor mapped = file.Tensors.Single();
        float[] bias = RandomMatrix.Create(1, Outputs, 3).Data;
        Matrix X = RandomMatrix.Create(40, Inputs, 2);
        var expected = new Matrix(40, Outputs);
        new LinearLayer("layer", Matrix.Expand(mapped), bias).Apply(X, expected, 40);
        foreach (int threads in (int[])[1, 2, 5])
        {
            using var count = new ThreadCount(threads);
            foreach (int rows in (int[])[1, 2, 8, 9, 40])
            {
                var Y = new Matrix(rows, Outputs);
                new LinearLayer("layer", mapped, bias).Apply(X, Y, rows);
                Assert.Equal(expected.Data[..(rows * Outputs)], Y.Data);
            }
        }

        // Activations so large that they cannot be scaled.
        X[0, 7] = 1e6f;
        new LinearLayer("layer", Matrix.Expand(mapped), bias).Apply(X, expected, 1);
        var large = new Matrix(1, Outputs);
        new LinearLayer("layer", mapped, bias).Apply(X, large, 1);
        Assert.Equal(expected.Data[..Outputs], large.Data);
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
