using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Statistics;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.Quantization;

/// <summary>Error feedback between blocks that are quantized as a whole.</summary>
public sealed class BlockFeedbackTests
{
    [Theory, InlineData(1), InlineData(7), InlineData(32), InlineData(100)]
    public void After_the_exact_rule_no_change_of_later_columns_lowers_the_error(int blockSize)
    {
        ToyLayer layer = ToyLayer.Create(6, 40, seed: 3);
        HessianFactor factor = layer.Statistics.Factor(0.01);
        Matrix W = Matrix.CopyOf(layer.W.View);
        var halves = new FirstBlockToZero();
        ErrorFeedback.PerBlock(W, factor.U, halves, blockSize, BlockRule.Exact);

        // The gradient of tr((W − Q)(H + δI)(W − Q)ᵀ) with respect to all columns after the block is zero.
        int width = Math.Min(blockSize, W.Columns);
        for (int i = 0; i < W.Rows; i++)
        {
            for (int k = width; k < W.Columns; k++)
            {
                double gradient = 0;
                double size = 0;
                for (int j = 0; j < W.Columns; j++)
                {
                    double h = layer.H[j, k] + (j == k ? factor.Delta : 0);
                    gradient += (layer.W[i, j] - W[i, j]) * h;
                    size += Math.Abs((layer.W[i, j] - W[i, j]) * h);
                }

                Assert.True(Math.Abs(gradient) <= 2e-4 * size, $"row {i}, column {k}: gradient {gradient}, terms {size}");
            }
        }
    }

    [Fact]
    public void Blocks_of_one_column_make_the_diagonal_rule_exact()
    {
        ToyLayer layer = ToyLayer.Create(6, 40, seed: 4);
        Matrix U = layer.Statistics.Factor(0.01).U;
        Assert.Equal(Run(BlockRule.Diagonal, 1), Run(BlockRule.Exact, 1));
        Assert.NotEqual(Run(BlockRule.Diagonal, 8), Run(BlockRule.Exact, 8));

        float[] Run(BlockRule rule, int blockSize)
        {
            Matrix W = Matrix.CopyOf(layer.W.View);
            ErrorFeedback.PerBlock(W, U, new Halves(), blockSize, rule);
            return W.Data;
        }
    }

    [Fact]
    public void Without_a_rule_every_block_sees_its_original_weights()
    {
        ToyLayer layer = ToyLayer.Create(6, 40, seed: 5);
        Matrix W = Matrix.CopyOf(layer.W.View);
        ErrorFeedback.PerBlock(W, layer.Statistics.Factor(0.01).U, new Halves(), 8, BlockRule.None);
        Assert.Equal(Array.ConvertAll(layer.W.Data, w => w / 2), W.Data);
    }

    private sealed class FirstBlockToZero : IBlockQuantizer
    {
        public void Quantize(ColumnBlock block, Matrix W)
        {
            if (block.Index > 0) return;
            for (int i = 0; i < W.Rows; i++) W.Row(i)[block.Columns.Start..block.Columns.End].Clear();
        }
    }

    private sealed class Halves : IBlockQuantizer
    {
        public void Quantize(ColumnBlock block, Matrix W)
        {
            for (int i = 0; i < W.Rows; i++)
            {
                foreach (ref float w in W.Row(i)[block.Columns.Start..block.Columns.End]) w /= 2;
            }
        }
    }
}
