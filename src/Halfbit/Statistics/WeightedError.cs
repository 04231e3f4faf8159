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
        var partial = new double[(W.Rows + RowBlock - 1) / RowBlock];
        for (int block = 0; block < partial.Length; block++)
        {
            int first = block * RowBlock;
            Matrix E = Matrix.CopyOf(W.View.RowRange(first, Math.Min(RowBlock, W.Rows - first)));
            if (Q is not null) Subtract(E, Q, first);
            partial[block] = QuadraticForm(E, H);
        }

        return partial.Sum();
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

    private static void Subtract(Matrix E, IWeightRows Q, int firstRow)
    {
        var approximation = new Matrix(E.Rows, E.Columns);
        Q.ReadRows(firstRow, approximation.View);
        for (int k = 0; k < E.Data.Length; k++) E.Data[k] -= approximation.Data[k];
    }

    /// <summary>Σ over rows e of e·H·eᵀ, using the symmetry of H: blocks above the diagonal count twice, blocks below are never read.</summary>
    private static double QuadraticForm(Matrix E, Matrix H)
    {
        double total = 0;
        var product = new float[E.Rows * E.Columns];
        foreach (ColumnRange block in ColumnRange.Split(E.Columns, ColumnBlock))
        {
            total += Form(E, H, block, block, product);
            ColumnRange rest = block.RestOf(E.Columns);
            if (rest.Count > 0) total += 2 * Form(E, H, block, rest, product);
        }

        return total;
    }

    private static double Form(Matrix E, Matrix H, ColumnRange left, ColumnRange right, float[] scratch)
    {
        var product = new MatrixView<float>(scratch, E.Rows, right.Count);
        DenseProduct.Multiply(E.View[left], H.View.RowRange(left.Start, left.Count)[right], product);
        double sum = 0;
        for (int i = 0; i < E.Rows; i++)
        {
            ReadOnlySpan<float> p = product.Row(i);
            ReadOnlySpan<float> e = E.View[right].Row(i);
            double row = 0;
            for (int j = 0; j < p.Length; j++) row += (double)p[j] * e[j];
            sum += row;
        }

        return sum;
    }
}
