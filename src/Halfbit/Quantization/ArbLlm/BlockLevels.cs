using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>What a fit found for a block: the levels of every group and the signs of every weight, not yet rounded.</summary>
internal sealed class BlockLevels
{
    /// <summary>Room for a block.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Columns w.</param>
    /// <param name="layout">The groups.</param>
    public BlockLevels(int rows, int width, GroupLayout layout)
    {
        First = new sbyte[rows * width];
        Second = new sbyte[rows * width];
        Rows = new RowLevels[layout.Count][];
        for (int g = 0; g < layout.Count; g++) Rows[g] = new RowLevels[rows];
        Beta = new double[]?[layout.Count][];
        for (int g = 0; g < layout.Count; g++) Beta[g] = new double[]?[2];
    }

    /// <summary>[groups][rows].</summary>
    public RowLevels[][] Rows { get; }

    /// <summary>[groups][planes][w], column scales; null: all 1.</summary>
    public double[]?[][] Beta { get; }

    /// <summary>[rows · w], first signs: ±1, or 0 where the released programs have sign(0).</summary>
    public sbyte[] First { get; }

    /// <summary>[rows · w], second signs, of weights whose group has two planes.</summary>
    public sbyte[] Second { get; }

    /// <summary>The value that a weight gets, before rounding.</summary>
    /// <param name="i">Row.</param>
    /// <param name="j">Column of the block.</param>
    /// <param name="group">The weight's group.</param>
    public double Value(int i, int j, int group)
    {
        RowLevels row = Rows[group][i];
        int at = (i * (First.Length / Rows[group].Length)) + j;
        double value = row.Mu + (row.Alpha * (Beta[group][0]?[j] ?? 1) * First[at]);
        return row.SecondAlpha == 0 ? value : value + (row.SecondAlpha * (Beta[group][1]?[j] ?? 1) * Second[at]);
    }

    /// <summary>Makes all scales non-negative. The levels stay the same set; signs are no longer valid.</summary>
    public void MakePositive()
    {
        foreach (RowLevels[] rows in Rows)
        {
            for (int i = 0; i < rows.Length; i++) rows[i] = new RowLevels(rows[i].Mu, Math.Abs(rows[i].Alpha), Math.Abs(rows[i].SecondAlpha));
        }

        foreach (double[]? scales in Beta.SelectMany(planes => planes))
        {
            for (int j = 0; j < (scales?.Length ?? 0); j++) scales![j] = Math.Abs(scales[j]);
        }
    }

    /// <summary>Reads the levels that the weights of a row may take.</summary>
    /// <param name="i">Row.</param>
    /// <param name="groupOf">[w], the group of each weight.</param>
    /// <param name="row">Receives them.</param>
    public void Read(int i, ReadOnlySpan<byte> groupOf, LevelRow row)
    {
        Span<RowLevels> ofGroup = stackalloc RowLevels[Rows.Length];
        for (int g = 0; g < ofGroup.Length; g++) ofGroup[g] = Rows[g][i];
        for (int j = 0; j < groupOf.Length; j++)
        {
            int g = groupOf[j];
            row.Set(j, (float)ofGroup[g].Mu, (float)(ofGroup[g].Alpha * (Beta[g][0]?[j] ?? 1)), (float)(ofGroup[g].SecondAlpha * (Beta[g][1]?[j] ?? 1)));
        }
    }
}
