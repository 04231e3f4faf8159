using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Tests.Packing;

/// <summary>Exact comparison of logical matrices and of what they expand to.</summary>
internal static class Logical
{
    public static void AssertEqual(QuantizedMatrix expected, QuantizedMatrix actual, BitMatrix? mask = null, bool side = false)
    {
        Assert.Equal(expected.GetType(), actual.GetType());
        Assert.Equal((expected.Rows, expected.Columns), (actual.Rows, actual.Columns));
        switch (expected, actual)
        {
            case (SignMatrix a, SignMatrix b):
                Assert.Equal((a.GroupSize, a.Format), (b.GroupSize, b.Format));
                AssertSameBits(a.Alpha, b.Alpha);
                Assert.Equal(a.Mu is null, b.Mu is null);
                if (a.Mu is not null) AssertSameBits(a.Mu, b.Mu!);
                ForEach(a, mask, side, "sign", (i, j) => a.Signs[i, j] == b.Signs[i, j]);
                break;
            case (GridMatrix a, GridMatrix b):
                Assert.Equal((a.GroupSize, a.Format, a.Bits), (b.GroupSize, b.Format, b.Bits));
                AssertSameBits(a.Scale, b.Scale);
                Assert.Equal(a.Zero, b.Zero);
                ForEach(a, mask, side, "code", (i, j) => a.Codes[(i * a.Columns) + j] == b.Codes[(i * a.Columns) + j]);
                break;
            case (PlainMatrix a, PlainMatrix b):
                Assert.Equal(a.Format, b.Format);
                ForEach(a, mask, side, "value", (i, j) => Bits(a.Values[i, j]) == Bits(b.Values[i, j]));
                break;
            case (MixedMatrix a, MixedMatrix b):
                Assert.Equal(a.IsSalient.Words, b.IsSalient.Words);
                AssertEqual(a.Salient, b.Salient, a.IsSalient, true);
                AssertEqual(a.Low, b.Low, a.IsSalient, false);
                break;
        }
    }

    public static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int k = 0; k < expected.Length; k++)
        {
            if (Bits(expected[k]) != Bits(actual[k])) Assert.Fail($"element {k}: expected {expected[k]:R}, actual {actual[k]:R}");
        }
    }

    public static float[] Rows(IWeightRows source, int first, int count, int stride)
    {
        var data = new float[count * stride];
        source.ReadRows(first, new MatrixView<float>(data, count, source.Columns, stride));
        return data;
    }

    private static int Bits(float value) => BitConverter.SingleToInt32Bits(value);

    private static void ForEach(QuantizedMatrix shape, BitMatrix? mask, bool side, string what, Func<int, int, bool> isEqual)
    {
        for (int i = 0; i < shape.Rows; i++)
        {
            for (int j = 0; j < shape.Columns; j++)
            {
                if ((mask is null || mask[i, j] == side) && !isEqual(i, j)) Assert.Fail($"{what} ({i}, {j}) differs");
            }
        }
    }
}
