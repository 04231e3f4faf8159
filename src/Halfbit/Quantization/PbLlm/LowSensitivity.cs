using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Quantization.PbLlm;

/// <summary>How much each low weight of a row counts in the statistics of the low set: ω = (1/d²)^power (1 without a Hessian), 0 for salient weights and dead columns.</summary>
/// <remarks>
/// 1/d² is the curvature of the loss along a column once all columns after it may compensate; d² = U_jj². Divided by its largest value, so that sums stay in range.
/// </remarks>
internal sealed class LowSensitivity(HessianFactor? factor, BitMatrix isSalient, double power)
{
    private readonly float[] ofColumn = OfColumns(factor, isSalient.Columns, power);

    /// <summary>Writes ω of the group's weights in row <paramref name="i"/>.</summary>
    public void Read(int i, ColumnRange group, Span<float> omega)
    {
        for (int j = group.Start; j < group.End; j++) omega[j - group.Start] = isSalient[i, j] ? 0f : ofColumn[j];
    }

    private static float[] OfColumns(HessianFactor? factor, int columns, double power)
    {
        var omega = new double[columns];
        for (int j = 0; j < columns; j++)
            omega[j] = factor is null ? 1 : factor.IsDead[j] ? 0 : power == 0 ? 1 : Math.Pow((double)factor.U[j, j] * factor.U[j, j], -power);
        double largest = omega.Max();
        return Array.ConvertAll(omega, o => largest > 0 ? (float)(o / largest) : 1f);
    }
}
