using Halfbit.Numerics;
using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>Settles the signs of a block for levels as they are stored, and writes the values.</summary>
/// <param name="codes">Receives levels and signs.</param>
internal sealed class SignRules(ArbCodes codes)
{
    private const int RowGrain = 64;

    /// <summary>The fit's own signs; a sign of 0 adds nothing: the released program.</summary>
    public void Keep(ColumnBlock block, ArbBlock fitted, BlockLevels levels, Matrix W) => RowParallel.For(W.Rows, RowGrain, (start, end) =>
    {
        var row = new LevelRow(fitted.Width);
        for (int i = start; i < end; i++)
        {
            codes.StoreRow(i, block.Index, levels);
            codes.ReadLevels(i, block.Index, block.Columns, row);
            Span<float> w = W.Row(i)[block.Columns.Start..block.Columns.End];
            ReadOnlySpan<byte> groupOf = fitted.GroupsOfRow(i);
            for (int j = 0; j < w.Length; j++)
            {
                int g = groupOf[j];
                RowLevels own = levels.Rows[g][i];
                row.FirstSign[j] = levels.First[(i * w.Length) + j];
                if (own.Alpha < 0 != levels.Beta[g][0]?[j] < 0) row.FirstSign[j] = -row.FirstSign[j];
                row.SecondSign[j] = levels.Second[(i * w.Length) + j];
                if (own.SecondAlpha < 0 != levels.Beta[g][1]?[j] < 0) row.SecondSign[j] = -row.SecondSign[j];
                w[j] = row.Value(j);
            }

            codes.StoreSigns(i, block.Columns, row);
        }
    });

    /// <summary>Every weight takes its nearest level.</summary>
    public void Nearest(ColumnBlock block, BlockLevels levels, Matrix W) => RowParallel.For(W.Rows, RowGrain, (start, end) =>
    {
        var row = new LevelRow(block.Columns.Count);
        for (int i = start; i < end; i++)
        {
            codes.StoreRow(i, block.Index, levels);
            codes.ReadLevels(i, block.Index, block.Columns, row);
            Span<float> w = W.Row(i)[block.Columns.Start..block.Columns.End];
            for (int j = 0; j < w.Length; j++)
            {
                row.TakeNearest(j, w[j]);
                w[j] = row.Value(j);
            }

            codes.StoreSigns(i, block.Columns, row);
        }
    });
}
