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
            LowPrecision.Xnor => TwoLevels(W, sensitivity, stretch, options.GroupSize, format),
            LowPrecision.Sign => Sign(W, sensitivity, stretch, options.GroupSize, format),
            _ => Grid(W, sensitivity, stretch, options.Low == LowPrecision.TwoBit ? 2 : 4, options.GroupSize, format),
        };
    }

    private static SignColumnQuantizer TwoLevels(Matrix W, LowSensitivity sensitivity, float stretch, int groupSize, ScaleFormat format)
    {
        ColumnRange[] groups = [.. ColumnRange.Split(W.Columns, groupSize)];
        var mu = new float[W.Rows * groups.Length];
        var alpha = new float[W.Rows * groups.Length];
        RowParallel.For(W.Rows, TwoLevelLanes.Rows, (start, end) =>
        {
            TwoLevelLanes lanes = TwoLevelLanes.ForThread(groups[0].Count);
            var omega = new float[groups[0].Count];
            Span<float> means = stackalloc float[TwoLevelLanes.Rows];
            Span<float> scales = stackalloc float[TwoLevelLanes.Rows];
            for (int g = 0; g < groups.Length; g++)
            {
                for (int i = start; i < end; i++)
                {
                    sensitivity.Read(i, groups[g], omega);
                    lanes.Load(i - start, W.Row(i)[groups[g].Start..groups[g].End], omega);
                }

                lanes.Fit(groups[g].Count, means, scales);
                for (int i = start; i < end; i++)
                {
                    mu[(i * groups.Length) + g] = format.Round(means[i - start]);
                    alpha[(i * groups.Length) + g] = format.Round(stretch * scales[i - start]);
                }
            }
        });
        return new SignColumnQuantizer(W.Rows, W.Columns, groupSize, alpha, mu, null, OnThreshold.Upper, format);
    }

    private static SignColumnQuantizer Sign(Matrix W, LowSensitivity sensitivity, float stretch, int groupSize, ScaleFormat format)
    {
        (_, float[] alpha) = BinaryFit.PerRowAndGroup(W.Rows, W.Columns, groupSize, format, (i, group) =>
        {
            var omega = new float[group.Count];
            sensitivity.Read(i, group, omega);
            return (0f, stretch * BinaryFit.MeanMagnitude(W.Row(i)[group.Start..group.End], omega));
        });
        return new SignColumnQuantizer(W.Rows, W.Columns, groupSize, alpha, null, null, OnThreshold.Upper, format);
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
