using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.PbLlm;

/// <summary>
/// The low-precision codes as the released program fits them: over all positions of a row's group, with a zero at every salient one.
/// Its multi-level codes divide the zero point of every row by the scale of the row whose number is the group's; "4bit" has eight levels.
/// </summary>
internal static class ReleasedLowPrecisions
{
    /// <summary>The released code of the low weights.</summary>
    public static IColumnQuantizer Fit(Matrix W, BitMatrix isSalient, PbLlmOptions options, ScaleFormat format) => options.Low switch
    {
        LowPrecision.Xnor => Xnor(W, isSalient, options.GroupSize, format),
        LowPrecision.Sign => ZeroOrAlpha(W, isSalient, options.GroupSize, format),
        LowPrecision.TwoBit => Grid(W, isSalient, 2, options.GroupSize, format),
        _ => Grid(W, isSalient, 3, options.GroupSize, format),
    };

    private static SignColumnQuantizer Xnor(Matrix W, BitMatrix isSalient, int groupSize, ScaleFormat format)
    {
        (float[] mu, float[] alpha) = BinaryFit.PerRowAndGroup(W.Rows, W.Columns, groupSize, format, (i, group) =>
        {
            double sum = 0;
            for (int j = group.Start; j < group.End; j++) sum += LowOrZero(W, isSalient, i, j);
            double mean = sum / group.Count;
            double deviation = 0;
            for (int j = group.Start; j < group.End; j++) deviation += Math.Abs(LowOrZero(W, isSalient, i, j) - mean);
            return ((float)mean, (float)(deviation / group.Count));
        });
        return new SignColumnQuantizer(W.Rows, W.Columns, groupSize, alpha, mu, null, OnThreshold.Middle, format);
    }

    /// <summary>Levels 0 and α, written as α/2 ± α/2.</summary>
    private static SignColumnQuantizer ZeroOrAlpha(Matrix W, BitMatrix isSalient, int groupSize, ScaleFormat format)
    {
        (_, float[] half) = BinaryFit.PerRowAndGroup(W.Rows, W.Columns, groupSize, format, (i, group) =>
        {
            double sum = 0;
            for (int j = group.Start; j < group.End; j++) sum += Math.Max(LowOrZero(W, isSalient, i, j), 0);
            return (0f, (float)(sum / group.Count) / 2);
        });
        return new SignColumnQuantizer(W.Rows, W.Columns, groupSize, half, half, new float[half.Length], OnThreshold.Lower, format);
    }

    private static GridColumnQuantizer Grid(Matrix W, BitMatrix isSalient, int bits, int groupSize, ScaleFormat format)
    {
        ColumnRange[] groups = [.. ColumnRange.Split(W.Columns, groupSize)];
        var grids = new AffineGrid[W.Rows * groups.Length];
        var lowest = new float[grids.Length];
        for (int i = 0; i < W.Rows; i++)
        {
            for (int g = 0; g < groups.Length; g++)
            {
                float low = 0f;
                float high = 0f;
                for (int j = groups[g].Start; j < groups[g].End; j++)
                {
                    low = MathF.Min(low, LowOrZero(W, isSalient, i, j));
                    high = MathF.Max(high, LowOrZero(W, isSalient, i, j));
                }

                lowest[(i * groups.Length) + g] = low == 0 && high == 0 ? -1f : low;
                grids[(i * groups.Length) + g] = AffineGrid.FromRange(low, high, 1 << bits, format);
            }
        }

        for (int i = 0; i < W.Rows; i++)
        {
            for (int g = 0; g < groups.Length; g++)
            {
                ref AffineGrid grid = ref grids[(i * groups.Length) + g];
                float scaleOfOtherRow = grids[(Math.Min(g, W.Rows - 1) * groups.Length) + g].Scale;
                float zero = MathF.Round(-lowest[(i * groups.Length) + g] / scaleOfOtherRow);
                grid = grid with { Zero = (int)Math.Clamp(zero, short.MinValue, short.MaxValue) };
            }
        }

        return new GridColumnQuantizer(W.Rows, W.Columns, bits, groupSize, grids, format);
    }

    private static float LowOrZero(Matrix W, BitMatrix isSalient, int i, int j) => isSalient[i, j] ? 0f : W[i, j];
}
