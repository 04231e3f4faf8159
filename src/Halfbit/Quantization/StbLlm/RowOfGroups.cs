using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>The cells of one group of one row, gathered and fitted; room for one thread, used again and again.</summary>
/// <param name="columns">Columns of a block.</param>
internal sealed class RowOfGroups(int columns)
{
    private readonly int[] column = new int[columns];
    private readonly float[] x = new float[columns];
    private readonly double[] omega = new double[columns];
    private readonly float[] residual = new float[columns];
    private readonly sbyte[] signs = new sbyte[2 * columns];
    private readonly float[] mu = new float[2];
    private readonly float[] alpha = new float[2];

    /// <summary>The block's column of gathered cell <paramref name="k"/>.</summary>
    public int Column(int k) => column[k];

    /// <summary>Gathers the cells of a group.</summary>
    /// <returns>Their number.</returns>
    public int Gather(ReadOnlySpan<float> w, ReadOnlySpan<byte> group, byte wanted, ReadOnlySpan<double> weights, Func<int, bool> isKept)
    {
        int count = 0;
        for (int j = 0; j < w.Length; j++)
        {
            if (group[j] != wanted || !isKept(j)) continue;
            column[count] = j;
            x[count] = w[j];
            omega[count] = weights[j];
            count++;
        }

        return count;
    }

    /// <summary>Fits the gathered cells.</summary>
    public StoredLevels Fit(int count, int planes, bool hasMeans, bool isReleased, ScaleFormat muFormat, ScaleFormat alphaFormat)
    {
        Span<float> means = mu.AsSpan(0, planes);
        Span<float> scales = alpha.AsSpan(0, planes);
        ResidualBinarization.Fit(x.AsSpan(0, count), omega, hasMeans, isReleased ? OnThreshold.Middle : OnThreshold.Upper, means, scales, signs, residual);
        return StoredLevels.Of(planes == 1 ? means[0] : means[0] + means[1], scales, muFormat, alphaFormat);
    }

    /// <summary>The signs that the fit chose, a zero counted as plus.</summary>
    public (bool IsUpper, bool IsSecondUpper) FittedSigns(int k, int count, int planes) => (signs[k] >= 0, planes == 2 && signs[count + k] >= 0);

    /// <summary>The value that the fit gave a cell, a zero sign being no sign.</summary>
    public float FittedValue(int k, int count, StoredLevels levels)
    {
        float value = levels.Mu + (signs[k] * levels.First);
        return levels.Planes == 1 ? value : value + (signs[count + k] * levels.Second);
    }
}
