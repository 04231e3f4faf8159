using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

public sealed class ErrorFeedbackTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(33)]
    [InlineData(64)]
    [InlineData(97)]
    public void Any_block_size_equals_the_walk_column_by_column_bit_for_bit(int refittedGroupSize)
    {
        ToyLayer layer = ToyLayer.Create(9, 97, seed: 8, dead: [50]);
        Matrix U = HessianFactor.Create(layer.H, 0.01).U;
        Matrix expected = ColumnByColumn(layer.W, U, Quantizer(refittedGroupSize));
        foreach (int blockSize in (int[])[1, 2, 3, 8, 31, 33, 64, 96, 97, 98, 1000])
        {
            Matrix actual = Matrix.CopyOf(layer.W.View);
            ErrorFeedback.PerColumn(actual, U, Quantizer(refittedGroupSize), blockSize);
            Assert.Equal(expected.Data, actual.Data);
        }
    }

    [Fact]
    public void The_quantizer_sees_columns_in_order_and_groups_before_their_first_column()
    {
        var seen = new Recorder(10);
        ErrorFeedback.PerColumn(new Matrix(1, 25), Identity(25), seen, 8);
        List<string> expected = [];
        for (int j = 0; j < 25; j++)
        {
            if (j % 10 == 0) expected.Add($"group {j / 10} of {Math.Min(10, 25 - j)}");
            expected.Add($"column {j}");
        }

        Assert.Equal(expected, seen.Calls);
    }

    /// <summary>The definition: quantize a column, then w_k ← fma(−e, U_jk, w_k) for all later columns, with e = (w − q)/U_jj.</summary>
    private static Matrix ColumnByColumn(Matrix W, Matrix U, IColumnQuantizer quantizer)
    {
        Matrix w = Matrix.CopyOf(W.View);
        var lanes = new float[16];
        for (int i = 0; i < w.Rows; i++)
        {
            for (int j = 0; j < w.Columns; j++)
            {
                int group = quantizer.RefittedGroupSize;
                if (group > 0 && j % group == 0) quantizer.Refit(i, j / group, w.Row(i).Slice(j, Math.Min(group, w.Columns - j)));
                lanes[i % 16] = w[i, j];
                quantizer.Quantize(new RowLanes(i / 16 * 16, 1u << (i % 16)), j, lanes, lanes);
                float q = lanes[i % 16];
                float e = (w[i, j] - q) / U[j, j];
                w[i, j] = q;
                for (int k = j + 1; k < w.Columns; k++) w[i, k] = MathF.FusedMultiplyAdd(-e, U[j, k], w[i, k]);
            }
        }

        return w;
    }

    private static GridColumnQuantizer Quantizer(int refittedGroupSize)
        => refittedGroupSize > 0
            ? new GridColumnQuantizer(9, 97, 3, refittedGroupSize, isSymmetric: false, ScaleFormat.Exact)
            : new GridColumnQuantizer(9, 97, 2, -1, [.. Enumerable.Range(0, 9).Select(i => new AffineGrid(0.03f + (0.001f * i), 2, 4))], ScaleFormat.Exact);

    private static Matrix Identity(int n)
    {
        var identity = new Matrix(n, n);
        for (int j = 0; j < n; j++) identity[j, j] = 1;
        return identity;
    }

    private sealed class Recorder(int groupSize) : IColumnQuantizer
    {
        public List<string> Calls { get; } = [];

        public int RefittedGroupSize => groupSize;

        public void Refit(int row, int group, ReadOnlySpan<float> current) => Calls.Add($"group {group} of {current.Length}");

        public void Quantize(RowLanes rows, int column, ReadOnlySpan<float> w, Span<float> q)
        {
            Assert.Equal(new RowLanes(0, 1), rows);
            Calls.Add($"column {column}");
        }

        public QuantizedMatrix ToMatrix() => throw new NotSupportedException();
    }
}
