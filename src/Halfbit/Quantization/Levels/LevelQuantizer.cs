using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using static Halfbit.Numerics.RowTile;

namespace Halfbit.Quantization.Levels;

/// <summary>The salient columns of a block.</summary>
/// <param name="block">The block.</param>
/// <param name="W">[rows, n], current weights.</param>
/// <param name="metric">The block's metric.</param>
/// <returns>[w].</returns>
internal delegate bool[] SalientChoice(ColumnBlock block, Matrix W, BlockMetric metric);

/// <summary>Fits codes and levels of block after block to each other, in the metric of what later columns cannot make up for; remembers both.</summary>
internal sealed class LevelQuantizer : IBlockQuantizer
{
    /// <summary>Tiles that one scratch serves.</summary>
    private const int TileGrain = 8;

    private readonly LevelShape shape;
    private readonly BitMatrix? fixedKeep;
    private readonly Func<ColumnBlock, BlockMetric> metricOf;
    private readonly SalientChoice chooseSalient;
    private readonly LevelCodes codes;

    /// <summary>A quantizer for one matrix.</summary>
    /// <param name="codes">Receives codes and levels.</param>
    /// <param name="metricOf">What errors in a block cost.</param>
    /// <param name="fixedKeep">The kept weights of the shape's pattern; null: each run keeps those whose loss would cost most.</param>
    /// <param name="chooseSalient">The salient columns of each block.</param>
    public LevelQuantizer(LevelCodes codes, Func<ColumnBlock, BlockMetric> metricOf, BitMatrix? fixedKeep, SalientChoice chooseSalient)
    {
        this.codes = codes;
        shape = codes.Shape;
        this.metricOf = metricOf;
        this.fixedKeep = fixedKeep;
        this.chooseSalient = chooseSalient;
    }

    /// <inheritdoc/>
    public void Quantize(ColumnBlock block, Matrix W)
    {
        BlockMetric metric = metricOf(block);
        bool[] isSalient = chooseSalient(block, W, metric);
        float[] beta = codes.BeginBlock(block, W, metric, isSalient);
        RowParallel.For((W.Rows + Lanes - 1) / Lanes, TileGrain, (start, end) =>
        {
            var tile = new LevelTile(shape, metric, isSalient, beta);
            for (int t = start; t < end; t++)
            {
                Load(W.View[block.Columns], t * Lanes, tile.X);
                LoadKeep(tile, block, W.Rows, t * Lanes);
                Fit(tile, block.Columns.Start, W.Columns);
                codes.Store(tile, block, W, t * Lanes);
            }
        });
    }

    /// <summary>Two walks find good codes for good levels; the descent then improves single codes, and, where the pattern is free, exchanges kept for left-out weights.</summary>
    private void Fit(LevelTile tile, int firstColumn, int columns)
    {
        bool selects = shape.Pattern is not null && fixedKeep is null;
        tile.Initialize();
        tile.Walk(selects, firstColumn, columns);
        tile.Refit();
        tile.Walk(selects, firstColumn, columns);
        tile.Refit();
        tile.Descend(sweeps: 2, selects, firstColumn);
        tile.Refit();
        codes.RoundScales(tile);
        tile.Descend(sweeps: 2, selects, firstColumn);
    }

    private void LoadKeep(LevelTile tile, ColumnBlock block, int rows, int firstRow)
    {
        Array.Fill(tile.Keep, 1f);
        if (fixedKeep is null) return;
        for (int r = 0; r < Lanes; r++)
        {
            for (int j = 0; j < block.Columns.Count; j++)
                tile.Keep[(j * Lanes) + r] = firstRow + r < rows && fixedKeep[firstRow + r, block.Columns.Start + j] ? 1f : 0f;
        }
    }
}
