using System.Numerics.Tensors;
using Halfbit.Numerics;

namespace Halfbit.Statistics;

/// <summary>The error that calibration inputs see: tr((W − Q)·H·(W − Q)ᵀ), proportional to the squared error of the layer's outputs.</summary>
public static class WeightedError
{
    private const int RowBlock = 256;
    private const int ColumnBlock = 512;

    /// <summary>tr(E·H·Eᵀ) with E = W − Q.</summary>
    /// <param name="W">[rows, n], original weights.</param>
    /// <param name="Q">[rows, n], approximation; null stands for zero, giving tr(W·H·Wᵀ).</param>
    /// <param name="H">[n, n], symmetric, undamped.</param>
    public static double Of(Matrix W, IWeightRows? Q, Matrix H)
    {
        ArgumentNullException.ThrowIfNull(W);
        ArgumentNullException.ThrowIfNull(H);
        int blockRows = Math.Min(RowBlock, W.Rows);
        var E = new float[blockRows * W.Columns];
        var scratch = new float[blockRows * W.Columns];
        double total = 0;
        for (int first = 0; first < W.Rows; first += RowBlock)
        {
            int rows = Math.Min(RowBlock, W.Rows - first);
            var block = new MatrixView<float>(E, rows, W.Columns);
            W.View.RowRange(first, rows).CopyTo(block);
            if (Q is not null) Subtract(block, Q, first, new MatrixView<float>(scratch, rows, W.Columns));
            total += QuadraticForm(block, H, scratch);
        }

        return total;
    }

    /// <summary>Mean of (W − Q)² over all elements.</summary>
    /// <param name="W">[rows, n].</param>
    /// <param name="Q">[rows, n].</param>
    public static double MeanSquared(Matrix W, Matrix Q)
    {
        ArgumentNullException.ThrowIfNull(W);
        ArgumentNullException.ThrowIfNull(Q);
        var perRow = new double[W.Rows];
        RowParallel.For(W.Rows, 16, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                double sum = 0;
                ReadOnlySpan<float> w = W.Row(i);
                ReadOnlySpan<float> q = Q.Row(i);
                for (int j = 0; j < w.Length; j++)
                {
                    double e = (double)w[j] - q[j];
                    sum += e * e;
                }

                perRow[i] = sum;
            }
        });
        return perRow.Sum() / ((double)W.Rows * W.Columns);
    }

    private static void Subtract(MatrixView<float> E, IWeightRows Q, int firstRow, MatrixView<float> approximation)
    {
        Q.ReadRows(firstRow, approximation);
        TensorPrimitives.Subtract(E.Data, approximation.Data, E.Data);
    }

    /// <summary>Σ over rows e of e·H·eᵀ, using the symmetry of H: blocks above the diagonal count twice, blocks below are never read.</summary>
    private static double QuadraticForm(MatrixView<float> E, Matrix H, float[] product)
    {
        double total = 0;
        foreach (ColumnRange block in ColumnRange.Split(E.Columns, ColumnBlock))
        {
            total += Form(E, H, block, block, product);
            ColumnRange rest = block.RestOf(E.Columns);
            if (rest.Count > 0) total += 2 * Form(E, H, block, rest, product);
        }

        return total;
    }

    private static double Form(MatrixView<float> E, Matrix H, ColumnRange left, ColumnRange right, float[] scratch)
    {
        var product = new MatrixView<float>(scratch, E.Rows, right.Count);
        DenseProduct.Multiply(E[left], H.View.RowRange(left.Start, left.Count)[right], product);
        double sum = 0;
        for (int i = 0; i < E.Rows; i++)
        {
            ReadOnlySpan<float> p = product.Row(i);
            ReadOnlySpan<float> e = E[right].Row(i);
            double row = 0;
            for (int j = 0; j < p.Length; j++) row += (double)p[j] * e[j];
            sum += row;
        }

        return sum;
    }
}
