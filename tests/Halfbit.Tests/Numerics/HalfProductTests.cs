using System.Runtime.InteropServices;
using Halfbit.Numerics;
using Halfbit.Tests.Models;

namespace Halfbit.Tests.Numerics;

public sealed class HalfProductTests
{
    private static readonly ushort[] Hostile = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x8400, 0x7BFF, 0xFBFF, 0x3C00, 0xBC00];

    public static TheoryData<int, int> Shapes => new() { { 1, 1 }, { 3, 5 }, { 16, 32 }, { 33, 31 }, { 32, 33 }, { 31, 64 }, { 70, 96 }, { 100, 301 }, { 65, 700 } };

    /// <summary>The kernels that this machine can run.</summary>
    private static IEnumerable<IHalfSquares> Kernels
        => DenseKernel.All.Where(k => k.IsAvailable).Select(k => HalfSquares.Of(k.Name)).OfType<IHalfSquares>().Distinct();

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_kernel_gives_the_bits_of_the_definition_and_of_the_dense_product(int outputs, int inputs)
    {
        foreach (HalfFormat format in Enum.GetValues<HalfFormat>())
        {
            ushort[] bits = Weights(outputs, inputs, format);
            Matrix W = Widened(bits, outputs, inputs, format);
            for (int rows = 1; rows <= HalfProduct.MaxRows; rows++)
            {
                Matrix X = RandomMatrix.Create(rows, inputs, 7 + rows);
                var expected = new Matrix(rows, outputs);
                HalfProduct.Define(X.View, Bytes(bits), format, expected.View);
                var dense = new Matrix(rows, outputs);
                DenseProduct.MultiplyTransposed(X.View, W.View, dense.View);
                AssertSameBits(expected, dense);
                foreach (IHalfSquares kernel in Kernels)
                {
                    var Y = new Matrix(rows, outputs + 3);
                    Assert.True(HalfProduct.TryMultiplyTransposed(kernel, X.View, Bytes(bits), format, Y.View[new ColumnRange(0, outputs)]));
                    AssertSameBits(expected, Matrix.CopyOf(Y.View[new ColumnRange(0, outputs)]));
                    for (int t = 0; t < rows; t++) Assert.All(Y.Row(t)[outputs..].ToArray(), y => Assert.Equal(0f, y));
                }
            }
        }
    }

    [Fact]
    public void Weights_that_are_not_finite_give_what_the_dense_product_gives()
    {
        const int Outputs = 70;
        const int Inputs = 97;
        foreach ((HalfFormat format, ushort[] special) in new[] { (HalfFormat.Half, new ushort[] { 0x7C00, 0xFC00, 0x7E01 }), (HalfFormat.BFloat16, new ushort[] { 0x7F80, 0xFF80, 0x7FC1 }) })
        {
            foreach (int at in (int[])[0, (5 * Inputs) + 31, (40 * Inputs) + 95, (69 * Inputs) + 96])
            {
                foreach (ushort value in special)
                {
                    ushort[] bits = Weights(Outputs, Inputs, format);
                    bits[at] = value;
                    Matrix X = RandomMatrix.Create(2, Inputs, 5);
                    var expected = new Matrix(2, Outputs);
                    DenseProduct.MultiplyTransposed(X.View, Widened(bits, Outputs, Inputs, format).View, expected.View);
                    foreach (IHalfSquares kernel in Kernels)
                    {
                        var Y = new Matrix(2, Outputs);
                        Assert.True(HalfProduct.TryMultiplyTransposed(kernel, X.View, Bytes(bits), format, Y.View));
                        Assert.Equal(expected.Data, Y.Data);
                        Assert.Contains(Y.Data, y => !float.IsFinite(y));
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(32768f)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.NaN)]
    public void Activations_that_cannot_be_scaled_are_left_to_the_general_form(float value)
    {
        ushort[] bits = Weights(40, 64, HalfFormat.Half);
        Matrix X = RandomMatrix.Create(2, 64, 5);
        X[1, 63] = value;
        foreach (IHalfSquares kernel in Kernels)
        {
            var Y = new Matrix(2, 40);
            Assert.False(HalfProduct.TryMultiplyTransposed(kernel, X.View, Bytes(bits), HalfFormat.Half, Y.View));
            Assert.All(Y.Data, y => Assert.Equal(0f, y));
        }
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        ushort[] bits = Weights(40, 64, HalfFormat.Half);
        foreach (IHalfSquares kernel in Kernels)
        {
            Assert.Throws<ArgumentException>(() => HalfProduct.TryMultiplyTransposed(kernel, new Matrix(1, 64).View, Bytes(bits), HalfFormat.Half, new Matrix(1, 41).View));
            Assert.Throws<ArgumentException>(() => HalfProduct.TryMultiplyTransposed(kernel, new Matrix(2, 64).View, Bytes(bits), HalfFormat.Half, new Matrix(1, 40).View));
        }

        Assert.False(HalfProduct.TryMultiplyTransposed(new Matrix(HalfProduct.MaxRows + 1, 64).View, Bytes(bits), HalfFormat.Half, new Matrix(HalfProduct.MaxRows + 1, 40).View));
    }

    private static ReadOnlySpan<byte> Bytes(ushort[] bits) => MemoryMarshal.AsBytes<ushort>(bits);

    /// <summary>Random numbers in (−1, 1), now and then one of zero, subnormal or largest magnitude.</summary>
    private static ushort[] Weights(int outputs, int inputs, HalfFormat format)
    {
        var random = new PythonRandom(outputs + inputs);
        var bits = new ushort[outputs * inputs];
        for (int k = 0; k < bits.Length; k++)
        {
            float value = (float)((random.NextDouble() * 2) - 1);
            ushort ordinary = format == HalfFormat.Half ? BitConverter.HalfToUInt16Bits((Half)value) : HalfConversion.NarrowToBFloat16(value);
            bits[k] = random.NextDouble() < 0.1 ? Hostile[(int)(random.NextDouble() * Hostile.Length)] : ordinary;
        }

        return bits;
    }

    private static Matrix Widened(ushort[] bits, int outputs, int inputs, HalfFormat format)
    {
        var W = new Matrix(outputs, inputs);
        if (format == HalfFormat.Half) HalfConversion.WidenHalf(MemoryMarshal.Cast<ushort, Half>(bits), W.Data);
        else HalfConversion.WidenBFloat16(bits, W.Data);
        return W;
    }

    private static void AssertSameBits(Matrix expected, Matrix actual)
    {
        for (int i = 0; i < expected.Data.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected.Data[i]) != BitConverter.SingleToInt32Bits(actual.Data[i]))
                Assert.Fail($"row {i / expected.Columns}, column {i % expected.Columns}: expected {expected.Data[i]:g9}, actual {actual.Data[i]:g9}");
        }
    }
}
