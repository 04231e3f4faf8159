using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.PbLlm;

/// <summary>Fits the code of the low set, row by row and group by group: least-squares levels of the low weights, each counted by its sensitivity.</summary>
internal static class LowPrecisions
{
    /// <summary>Smallest range tried for a multi-level grid, as a share of min to max.</summary>
    private const double NarrowestRange = 0.3;
    private const int RangeSteps = 28;

    /// <summary>The code of the low weights, its statistics fixed from the weights before the walk.</summary>
    /// <param name="W">[rows, n], dead columns zeroed.</param>
    /// <param name="isSalient">[rows, n].</param>
    /// <param name="sensitivity">ω of each low weight.</param>
    /// <param name="stretch">Factor on the fitted scales.</param>
    /// <param name="options">Which code; our form or the released one.</param>
    /// <param name="format">How scales are stored.</param>
    public static IColumnQuantizer Fit(Matrix W, BitMatrix isSalient, LowSensitivity sensitivity, float stretch, PbLlmOptions options, ScaleFormat format)
    {
        if (options.Low == LowPrecision.Prune) return new ZeroColumnQuantizer(W.Rows, W.Columns);
        if (options.Low == LowPrecision.None) return new PlainColumnQuantizer(W.Rows, W.Columns, format);
        if (options.Variant == QuantizationVariant.Released) return ReleasedLowPrecisions.Fit(W, isSalient, options, format);
        return options.Low switch
        {
            LowPrecision.Xnor => Sign(W, sensitivity, stretch, options.GroupSize, format, BinaryFit.TwoLevels, hasMean: true),
            LowPrecision.Sign => Sign(W, sensitivity, stretch, options.GroupSize, format, (w, omega) => (0f, BinaryFit.MeanMagnitude(w, omega)), hasMean: false),
            _ => Grid(W, sensitivity, stretch, options.Low == LowPrecision.TwoBit ? 2 : 4, options.GroupSize, format),
        };
    }

    private delegate (float Mu, float Alpha) BinaryFitter(ReadOnlySpan<float> w, ReadOnlySpan<float> omega);

    private static SignColumnQuantizer Sign(Matrix W, LowSensitivity sensitivity, float stretch, int groupSize, ScaleFormat format, BinaryFitter fit, bool hasMean)
    {
        (float[] mu, float[] alpha) = BinaryFit.PerRowAndGroup(W.Rows, W.Columns, groupSize, format, (i, group) =>
        {
            var omega = new float[group.Count];
            sensitivity.Read(i, group, omega);
            (float mu, float alpha) = fit(W.Row(i)[group.Start..group.End], omega);
            return (mu, stretch * alpha);
        });
        return new SignColumnQuantizer(W.Rows, W.Columns, groupSize, alpha, hasMean ? mu : null, null, OnThreshold.Upper, format);
    }

    private static GridColumnQuantizer Grid(Matrix W, LowSensitivity sensitivity, float stretch, int bits, int groupSize, ScaleFormat format)
    {
        ColumnRange[] groups = [.. ColumnRange.Split(W.Columns, groupSize)];
        var grids = new AffineGrid[W.Rows * groups.Length];
        RowParallel.For(W.Rows, 8, (start, end) =>
        {
            var omega = new float[groups[0].Count];
            for (int i = start; i < end; i++)
            {
                for (int g = 0; g < groups.Length; g++)
                {
                    sensitivity.Read(i, groups[g], omega);
                    AffineGrid grid = BestGrid(W.Row(i)[groups[g].Start..groups[g].End], omega, 1 << bits, format);
                    grids[(i * groups.Length) + g] = grid with { Scale = AffineGrid.Storable(stretch * grid.Scale, format) };
                }
            }
        });
        return new GridColumnQuantizer(W.Rows, W.Columns, bits, groupSize, grids, format);
    }

    /// <summary>Among min-max grids of shrinking range, the one with the least Σω(w − q)².</summary>
    private static AffineGrid BestGrid(ReadOnlySpan<float> w, ReadOnlySpan<float> omega, int levels, ScaleFormat format)
    {
        float low = 0f;
        float high = 0f;
        for (int j = 0; j < w.Length; j++)
        {
            if (omega[j] == 0) continue;
            low = MathF.Min(low, w[j]);
            high = MathF.Max(high, w[j]);
        }

        AffineGrid best = default;
        double least = double.PositiveInfinity;
        for (int step = 0; step <= RangeSteps; step++)
        {
            var share = (float)(1 - ((1 - NarrowestRange) * step / RangeSteps));
            AffineGrid grid = AffineGrid.FromRange(share * low, share * high, levels, format);
            double error = 0;
            for (int j = 0; j < w.Length; j++)
            {
                double e = w[j] - grid.Decode(grid.Encode(w[j]));
                error += omega[j] * e * e;
            }

            if (error < least) (best, least) = (grid, error);
        }

        return best;
    }
}
