using Halfbit.Quantization.Steps;

namespace Halfbit.Tests.Quantization;

public sealed class TwoLevelLanesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(300)]
    public void Eight_rows_at_once_have_the_levels_of_each_row_alone_bit_for_bit(int columns)
    {
        var random = new Random(columns);
        TwoLevelLanes lanes = TwoLevelLanes.ForThread(columns);
        var rows = new (float[] W, float[] Omega)[TwoLevelLanes.Rows];
        for (int r = 0; r < rows.Length; r++)
        {
            rows[r] = (Weights(r, columns, random), [.. Enumerable.Range(0, columns).Select(_ => random.Next(5) == 0 || r == 4 ? 0f : random.NextSingle())]);
            lanes.Load(r, rows[r].W, rows[r].Omega);
        }

        var mu = new float[rows.Length];
        var alpha = new float[rows.Length];
        lanes.Fit(columns, mu, alpha);
        Assert.Equal(rows.Select(row => BinaryFit.TwoLevels(row.W, row.Omega)), mu.Zip(alpha));
    }

    /// <summary>A bell, one long tail, ties, zeros of both signs, few distinct values: rows that end after different numbers of steps.</summary>
    private static float[] Weights(int row, int columns, Random random) => [.. Enumerable.Range(0, columns).Select(j => row switch
    {
        0 => 0.25f,
        1 => j % 2 == 0 ? 0f : -0f,
        2 => j % 3 == 0 ? 1f : -1f,
        3 => MathF.Exp(6 * random.NextSingle()),
        _ => random.NextSingle() + random.NextSingle() - 1 + (row == 7 && j == 0 ? 100f : 0f),
    })];
}
