namespace Halfbit.Quantization.ArbLlm;

/// <summary>Fits by rows and columns: every group by itself, without a mean, a scale per row and plane and one per column and plane (arb-rc).</summary>
/// <param name="layout">The groups.</param>
/// <param name="rules">Rounds and guards.</param>
/// <param name="givesSigns">Whether signs are wanted too, not only levels.</param>
internal sealed class RowColumnFit(GroupLayout layout, RowColumnRules rules, bool givesSigns) : IBlockFit
{
    /// <inheritdoc/>
    public void Fit(ArbBlock block, int group, BlockLevels levels)
    {
        bool isSalient = layout.PlanesOf(group) == 2;
        int[] columns = block.ColumnsOf(isSalient);
        if (columns.Length == 0) return;
        MaskedColumns members = MaskedColumns.Of(block, group, columns);
        var omega = new double[members.Stride];
        for (int c = 0; c < columns.Length; c++) omega[c] = block.Omega[columns[c]];
        if (isSalient) FitTwo(members, omega, group, levels, block.Width);
        else FitOne(members, omega, group, levels, block.Width);
    }

    private void FitOne(MaskedColumns group, double[] omega, int g, BlockLevels levels, int width)
    {
        ScalePair scales = RowColumnRefinement.Fit(group, omega, rules);
        levels.Beta[g][0] = InPlace(scales.Beta, group.Columns, width);
        for (int i = 0; i < group.Rows; i++)
        {
            levels.Rows[g][i] = new RowLevels(0, scales.Alpha[i], 0);
            for (int c = 0; givesSigns && c < group.Columns.Length; c++)
            {
                int k = (i * group.Stride) + c;
                if (group.Mask[k] != 0) levels.First[(i * width) + group.Columns[c]] = (sbyte)rules.Sign(group.X[k]);
            }
        }
    }

    private void FitTwo(MaskedColumns group, double[] omega, int g, BlockLevels levels, int width)
    {
        TwoPlaneRowColumnRefinement fit = TwoPlaneRowColumnRefinement.Fit(group, omega, rules);
        levels.Beta[g][0] = InPlace(fit.First.Beta, group.Columns, width);
        levels.Beta[g][1] = InPlace(fit.Second.Beta, group.Columns, width);
        for (int i = 0; i < group.Rows; i++)
        {
            levels.Rows[g][i] = new RowLevels(0, fit.First.Alpha[i], fit.Second.Alpha[i]);
            for (int c = 0; givesSigns && c < group.Columns.Length; c++)
            {
                int k = (i * group.Stride) + c;
                if (group.Mask[k] == 0) continue;
                levels.First[(i * width) + group.Columns[c]] = (sbyte)fit.FirstSigns[k];
                levels.Second[(i * width) + group.Columns[c]] = (sbyte)fit.SecondSigns[k];
            }
        }
    }

    /// <summary>[w], scales of the group's columns where they belong.</summary>
    private static double[] InPlace(double[] scales, int[] columns, int width)
    {
        var all = new double[width];
        for (int c = 0; c < columns.Length; c++) all[columns[c]] = scales[c];
        return all;
    }
}
