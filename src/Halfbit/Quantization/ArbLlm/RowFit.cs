using Halfbit.Numerics;
using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>Fits by rows: every group of a row by itself, with a mean and one scale per plane (braq, arb, arb-x).</summary>
/// <param name="layout">The groups.</param>
/// <param name="refinement">Which refinement.</param>
/// <param name="iterations">Rounds of each alternation.</param>
/// <param name="hasMeans">Whether groups have means.</param>
/// <param name="zero">The sign of zero.</param>
internal sealed class RowFit(GroupLayout layout, ArbRefinement refinement, int iterations, bool hasMeans, OnThreshold zero) : IBlockFit
{
    /// <inheritdoc/>
    public void Fit(ArbBlock block, int group, BlockLevels levels)
    {
        int planes = layout.PlanesOf(group);
        RowParallel.For(block.Rows, 64, (start, end) =>
        {
            var row = new RowGroup(block.Width);
            CorrelatedRefinement? correlated = refinement == ArbRefinement.ArbX ? new CorrelatedRefinement(block.S!, block.Width, isReleased: zero == OnThreshold.Middle) : null;
            for (int i = start; i < end; i++)
            {
                row.Read(block.W.Row(i), block.GroupsOfRow(i), group, block.Omega);
                RowLevels found = RowRefinement.Refine(row, planes, refinement == ArbRefinement.None ? 0 : iterations, hasMeans, zero);
                levels.Rows[group][i] = correlated is null ? found : correlated.Refine(row, found, planes, iterations, hasMeans);
                for (int k = 0; k < row.Count; k++)
                {
                    int at = (i * block.Width) + row.Columns[k];
                    levels.First[at] = (sbyte)row.First[k];
                    if (planes == 2) levels.Second[at] = (sbyte)row.Second[k];
                }
            }
        });
    }
}
