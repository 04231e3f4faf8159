using System.Numerics.Tensors;
using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.Budget;

/// <summary>Tries candidates on a layer: their error on a sample of its rows, and the bytes they would take for all.</summary>
/// <remarks>
/// Bytes are a part that belongs to the columns and one that grows with the rows, so two packed samples, one four times the other, tell those of the layer. Layers of up to
/// <see cref="SampledChoice.SampleRows"/> rows are tried whole.
/// </remarks>
internal static class LayerTrial
{
    private const int Step = 4;

    /// <summary>Tries all candidates.</summary>
    /// <param name="W">[rows, n], original weights.</param>
    /// <param name="statistics">Statistics of the layer's input; null: errors of weights count all alike.</param>
    /// <param name="candidates">The candidates.</param>
    /// <param name="storedBytes">Bytes that a matrix takes.</param>
    /// <returns>[candidates], bytes for the layer and the error relative to that of a layer of zeros.</returns>
    public static BudgetPoint[] Of(Matrix W, LayerStatistics? statistics, IReadOnlyList<IQuantizationMethod> candidates, Func<QuantizedMatrix, long> storedBytes)
    {
        ScaleFormat format = ScaleFormat.HalfFor(MathF.Abs(TensorPrimitives.MaxMagnitude<float>(W.Data)));
        int[] rows = SampledChoice.RowsOf(W.Rows);
        Matrix sample = RowsOf(W, rows);
        Matrix? fewer = rows.Length == W.Rows ? null : RowsOf(W, [.. rows.Where((_, r) => r % Step == 0)]);
        double reference = Error(sample, new ZeroMatrix(sample.Rows, sample.Columns), statistics);
        var points = new BudgetPoint[candidates.Count];
        for (int c = 0; c < points.Length; c++)
        {
            QuantizedMatrix quantized = candidates[c].Quantize(sample, statistics, format).Quantized;
            double bytes = storedBytes(quantized);
            if (fewer is not null)
            {
                double perRow = (bytes - storedBytes(candidates[c].Quantize(fewer, statistics, format).Quantized)) / (sample.Rows - fewer.Rows);
                bytes += perRow * (W.Rows - sample.Rows);
            }

            points[c] = new BudgetPoint((long)Math.Ceiling(bytes), reference > 0 ? Error(sample, quantized, statistics) / reference : 0);
        }

        return points;
    }

    private static double Error(Matrix W, IWeightRows Q, LayerStatistics? statistics)
        => statistics is null ? WeightedError.MeanSquared(W, Matrix.Expand(Q)) : WeightedError.Of(W, Q, statistics.Hessian);

    private static Matrix RowsOf(Matrix W, int[] rows)
    {
        var sample = new Matrix(rows.Length, W.Columns);
        for (int r = 0; r < rows.Length; r++) W.Row(rows[r]).CopyTo(sample.Row(r));
        return sample;
    }
}
