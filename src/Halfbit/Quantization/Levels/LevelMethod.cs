using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.Levels;

/// <summary>
/// The default form of the block methods: salient columns are searched on the weights, then codes and levels are fitted to each other while error feedback runs column by
/// column. Methods differ in which levels there are (<see cref="LevelShape"/>).
/// </summary>
/// <param name="options">Options of the method; its metric, group size and compensation count here.</param>
/// <param name="shape">The levels.</param>
/// <param name="mostSalient">Most salient columns of a block.</param>
/// <param name="statistics">Statistics of the layer; null: none.</param>
/// <param name="factor">Their damped factor.</param>
/// <param name="format">How scales are stored.</param>
internal sealed class LevelMethod(BlockMethodOptions options, LevelShape shape, int mostSalient, LayerStatistics? statistics, HessianFactor? factor, ScaleFormat format)
{
    /// <summary>Quantizes a layer; an open choice of the metric is decided on a sample of its rows.</summary>
    /// <param name="W">[rows, n], weights, dead columns zeroed; not changed.</param>
    /// <param name="keep">[rows, n], the kept weights of the shape's pattern; null: each run keeps those whose loss costs most.</param>
    /// <param name="Q">[rows, n], receives what the codes stand for.</param>
    public LevelCodes Quantize(Matrix W, BitMatrix? keep, out Matrix Q)
    {
        (SalienceMetric, double)[] ways = Ways();
        BitMatrix? sampledKeep = keep is null || ways.Length == 1 ? null : RowsOf(keep, SampledChoice.RowsOf(W.Rows));
        (SalienceMetric Metric, double Power) chosen = ways.Length == 1 ? ways[0] : SampledChoice.Best(ways, W, statistics!.Hessian, (way, rows) =>
        {
            Run(rows, sampledKeep, way, out Matrix tried);
            return tried;
        });
        return Run(W, keep, chosen, out Q);
    }

    /// <summary>What the options leave open: the metric of salient columns, and, where nothing makes up for errors, how much the columns' sensitivities count.</summary>
    private (SalienceMetric Metric, double Power)[] Ways()
    {
        SalienceMetric[] metrics = mostSalient == 0 ? [SalienceMetric.Magnitude] : options.Salience != SalienceMetric.Auto ? [options.Salience] : statistics is null ? [SalienceMetric.Magnitude] : [SalienceMetric.Hessian, SalienceMetric.Magnitude];
        double[] powers = options.Compensation || statistics is null ? [ColumnSensitivity.UsualPower] : [1, ColumnSensitivity.UsualPower, 0];
        return [.. metrics.SelectMany(m => powers.Select(p => (m, p)))];
    }

    private LevelCodes Run(Matrix W, BitMatrix? keep, (SalienceMetric Metric, double Power) way, out Matrix Q)
    {
        Q = Matrix.CopyOf(W.View);
        var codes = new LevelCodes(W.Rows, W.Columns, options.GroupSize, shape, format);
        var quantizer = new LevelQuantizer(codes, block => MetricOf(block, way.Power), keep, (block, current, cost) => SalientColumnsOf(block, current, cost, keep, way));
        ErrorFeedback.PerBlock(Q, options.Compensation ? factor!.U : null, quantizer, ColumnRange.WidthOf(W.Columns, options.GroupSize), options.Compensation ? BlockRule.Exact : BlockRule.None);
        return codes;
    }

    private BlockMetric MetricOf(ColumnBlock block, double power) => options.Compensation
        ? BlockMetric.WithFeedback(block, factor!.IsDead)
        : BlockMetric.WithoutFeedback(ColumnSensitivity.Of(block, statistics, factor, feedback: null, power));

    private bool[] SalientColumnsOf(ColumnBlock block, Matrix W, BlockMetric cost, BitMatrix? keep, (SalienceMetric Metric, double Power) way)
    {
        int most = Math.Min(mostSalient, block.Columns.Count - 1);
        if (most <= 0) return new bool[block.Columns.Count];
        double[] omega = ColumnSensitivity.Of(block, statistics, factor, options.Compensation ? BlockFeedback.Columns : null, way.Power);
        Matrix values = Matrix.CopyOf(W.View[block.Columns]);
        SearchMatrix S = keep is null ? new SearchMatrix(values, omega) : new SearchMatrix(values, omega, keep, block.Columns.Start);
        double[] scores = way.Metric == SalienceMetric.Magnitude ? S.ColumnSums() : CostOf(values, cost);
        return SalientColumnSearch.Find(S, scores, 0, most, hasMeans: false).IsSalient;
    }

    /// <summary>Σ over rows of w²/d².</summary>
    private static double[] CostOf(Matrix values, BlockMetric cost)
    {
        var sums = new double[values.Columns];
        for (int i = 0; i < values.Rows; i++)
        {
            ReadOnlySpan<float> row = values.Row(i);
            for (int j = 0; j < row.Length; j++) sums[j] += (double)row[j] * row[j];
        }

        for (int j = 0; j < sums.Length; j++) sums[j] *= cost.Weight[j];
        return sums;
    }

    private static BitMatrix RowsOf(BitMatrix bits, int[] rows)
    {
        var chosen = new BitMatrix(rows.Length, bits.Columns);
        for (int r = 0; r < rows.Length; r++) bits.Row(rows[r]).CopyTo(chosen.Row(r));
        return chosen;
    }
}
