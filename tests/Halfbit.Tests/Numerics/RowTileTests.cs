using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Tests.Numerics;

/// <summary>Transposed tiles of sixteen rows against plain loops over single rows, bit for bit.</summary>
public sealed class RowTileTests
{
    [Theory, InlineData(1, 1), InlineData(3, 7), InlineData(16, 8), InlineData(5, 9), InlineData(20, 131), InlineData(64, 128)]
    public void A_product_is_one_chain_of_fused_multiply_adds_per_row(int inner, int columns)
    {
        var random = new Random(inner + columns);
        Matrix W = Random(random, 19, inner);
        Matrix M = Random(random, inner, columns);
        for (int first = 0; first < W.Rows; first += RowTile.Lanes)
        {
            var tile = new float[inner * RowTile.Lanes];
            var result = new float[columns * RowTile.Lanes];
            RowTile.Load(W.View, first, tile);
            RowTile.Multiply(tile, M.View, result);
            for (int lane = 0; lane < RowTile.Lanes; lane++)
            {
                for (int k = 0; k < columns; k++)
                {
                    float sum = 0;
                    for (int j = 0; j < inner; j++) sum = MathF.FusedMultiplyAdd(first + lane < W.Rows ? W[first + lane, j] : 0f, M[j, k], sum);
                    Assert.Equal(sum, result[(k * RowTile.Lanes) + lane]);
                }
            }
        }
    }

    [Theory, InlineData(0), InlineData(1), InlineData(4), InlineData(7), InlineData(130)]
    public void An_outer_product_is_subtracted_by_one_fused_multiply_add_each(int columns)
    {
        var random = new Random(columns);
        float[] tile = Random(random, 1, Math.Max(1, columns) * RowTile.Lanes).Data;
        float[] u = Random(random, 1, Math.Max(1, columns)).Data[..columns];
        float[] e = Random(random, 1, RowTile.Lanes).Data;
        float[] expected = [.. tile];
        for (int k = 0; k < columns; k++)
        {
            for (int lane = 0; lane < RowTile.Lanes; lane++) expected[(k * RowTile.Lanes) + lane] = MathF.FusedMultiplyAdd(-e[lane], u[k], expected[(k * RowTile.Lanes) + lane]);
        }

        RowTile.SubtractOuter(Vector512.Create<float>(e), u, tile);
        Assert.Equal(expected, tile);
    }

    private static Matrix Random(Random random, int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        foreach (ref float x in matrix.Data.AsSpan()) x = (float)((2 * random.NextDouble()) - 1);
        return matrix;
    }
}
