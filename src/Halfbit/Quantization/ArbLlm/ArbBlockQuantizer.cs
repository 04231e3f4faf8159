using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Statistics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>Quantizes one block: search for its groups, fit of their levels, rounding, signs.</summary>
/// <param name="options">The method's options.</param>
/// <param name="trial">What they leave open.</param>
/// <param name="statistics">Statistics of the layer; null: none.</param>
/// <param name="factor">Their damped factor.</param>
/// <param name="codes">Receives codes and scales.</param>
internal sealed class ArbBlockQuantizer(ArbLlmOptions options, ArbTrial trial, LayerStatistics? statistics, HessianFactor? factor, ArbCodes codes) : IBlockQuantizer
{
    private readonly GroupLayout layout = GroupLayout.Of(options);

    private bool IsReleased => options.Variant == QuantizationVariant.Released;

    private OnThreshold Zero => IsReleased ? OnThreshold.Middle : OnThreshold.Upper;

    /// <inheritdoc/>
    public void Quantize(ColumnBlock block, Matrix W)
    {
        Matrix current = Matrix.CopyOf(W.View[block.Columns]);
        double[] sensitivity = ColumnSensitivity.Of(block, statistics, factor, options.Compensation ? options.Feedback : null, trial.Power);
        double[]? S = options.Refine == ArbRefinement.ArbX ? Correlation(block.Columns) : null;
        Partition partition = FindGroups(block, current, sensitivity, S);
        double[] omega = options.Fit == LevelFit.Sensitivity ? sensitivity : SearchMatrix.Ones(current.Columns);
        var fitted = new ArbBlock(current, partition.GroupOf, partition.IsSalient, omega, S);
        var levels = new BlockLevels(current.Rows, current.Columns, layout);
        IBlockFit fit = FitOf(options.Refine);
        for (int g = 0; g < layout.Count; g++) fit.Fit(fitted, g, levels);
        codes.StoreColumns(block.Columns, fitted, levels);
        var signs = new SignRules(codes);
        if (IsReleased) signs.Keep(block, fitted, levels, W);
        else signs.Nearest(block, levels, W);
    }

    private Partition FindGroups(ColumnBlock block, Matrix current, double[] sensitivity, double[]? S)
    {
        bool isHessian = trial.Metric == SalienceMetric.Hessian;
        Matrix scores = current;
        if (isHessian)
        {
            scores = new Matrix(current.Rows, current.Columns);
            SearchMatrix.Scores(current.View, block.U!, scores);
        }

        bool searchesScores = options.Search == SearchObjective.Scores;
        SearchMatrix M = searchesScores
            ? new SearchMatrix(scores, SearchMatrix.Ones(current.Columns))
            : new SearchMatrix(current, sensitivity);
        double[] columnScores = new SearchMatrix(scores, M.Omega).ColumnSums();
        PartitionRules rules = IsReleased ? PartitionRules.Released : new PartitionRules(0, options.FitsMeans, CountsExcluded: false, CarriesBest: false);
        IBlockFit fit = FitOf(options.Refine == ArbRefinement.ArbX ? ArbRefinement.Arb : options.Refine);
        return new PartitionSearch(layout, rules, fit).Find(M, columnScores, searchesScores ? S : null);
    }

    private IBlockFit FitOf(ArbRefinement refinement)
        => refinement == ArbRefinement.ArbRc
            ? new RowColumnFit(layout, IsReleased ? RowColumnRules.Released(options.Iterations) : new RowColumnRules(options.Iterations, 0, 1f), IsReleased)
            : new RowFit(layout, refinement, options.Iterations, options.HasMeans, Zero);

    /// <summary>[w, padded w], H[block, block]/2: the mean over the calibration sequences of Σ x·xᵀ.</summary>
    private double[] Correlation(ColumnRange block)
    {
        int stride = FourLanes.Padded(block.Count);
        var S = new double[block.Count * stride];
        for (int i = 0; i < block.Count; i++)
        {
            for (int j = 0; j < block.Count; j++) S[(i * stride) + j] = statistics!.Hessian[block.Start + i, block.Start + j] / 2.0;
        }

        return S;
    }
}
