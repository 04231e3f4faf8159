using System.Numerics.Tensors;
using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.Budget;

/// <summary>Tries candidates on a layer: the damage that their errors do to the model, from a sample of the layer's rows, and the bytes they would take for all.</summary>
/// <remarks>
/// Damage is measured once, for one setting on all rows (errors of rows are not independent: a few rows show too little); that of the candidates follows from their weighted errors
/// on the sampled rows over those of this setting there. Bytes are a part that belongs to the columns and one that grows with the rows, so two packed samples, one twice the other,
/// tell those of the layer. Layers of up to <see cref="SampleRows"/> rows are tried whole.
/// </remarks>
internal static class LayerTrial
{
    private const int SampleRows = 32;
    private const int Step = 2;

    /// <summary>Tries all candidates.</summary>
    /// <param name="layer">The layer; without statistics errors of weights count all alike.</param>
    /// <param name="candidates">The candidates.</param>
    /// <param name="probe">The setting whose damage is measured.</param>
    /// <param name="storedBytes">Bytes that a matrix takes.</param>
    /// <returns>[candidates], bytes for the layer and the damage; where that cannot be asked, the error relative to that of a layer of zeros.</returns>
    public static BudgetPoint[] Of(SurveyedLayer layer, IReadOnlyList<IQuantizationMethod> candidates, IQuantizationMethod probe, Func<QuantizedMatrix, long> storedBytes)
    {
        Matrix W = Matrix.Expand(layer.Weights);
        LayerStatistics? statistics = layer.Statistics;
        ScaleFormat format = ScaleFormat.HalfFor(MathF.Abs(TensorPrimitives.MaxMagnitude<float>(W.Data)));
        int[] rows = SampledChoice.RowsOf(W.Rows, SampleRows);
        Matrix sample = RowsOf(W, rows);
        Matrix? fewer = rows.Length == W.Rows ? null : RowsOf(W, [.. rows.Where((_, r) => r % Step == 0)]);
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

            points[c] = new BudgetPoint((long)Math.Ceiling(bytes), Error(sample, quantized, statistics));
        }

        double factor = layer.DamageOf is null ? Inverse(Error(sample, new ZeroMatrix(sample.Rows, sample.Columns), statistics)) : Sensitivity(layer.DamageOf);
        return [.. points.Select(p => p with { Cost = p.Cost * factor })];

        // Damage to the model for each unit of the sample's error.
        double Sensitivity(Func<IWeightRows, double> damageOf)
        {
            Matrix Q = probe.Quantize(W, statistics, format).Approximation;
            return damageOf(Q) * Inverse(Error(sample, RowsOf(Q, rows), statistics));
        }
    }

    private static double Inverse(double error) => error > 0 ? 1 / error : 0;

    private static double Error(Matrix W, IWeightRows Q, LayerStatistics? statistics)
        => statistics is null ? WeightedError.MeanSquared(W, Matrix.Expand(Q)) : WeightedError.Of(W, Q, statistics.Hessian);

    private static Matrix RowsOf(Matrix W, int[] rows)
    {
        var sample = new Matrix(rows.Length, W.Columns);
        for (int r = 0; r < rows.Length; r++) W.Row(rows[r]).CopyTo(sample.Row(r));
        return sample;
    }
}
