using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;
using Halfbit.Statistics;

namespace Halfbit.Quantization.StbLlm;

/// <summary>What options may leave open, and a layer decides: the metric that makes columns salient, and the power of their sensitivities.</summary>
internal readonly record struct StbLlmTrial(SalienceMetric Metric, double Power);

/// <summary>One block of STBLLM: kept set, division, levels and signs.</summary>
/// <param name="options">Options.</param>
/// <param name="trial">What they leave open.</param>
/// <param name="keep">[rows, n], kept weights; their choice in a block changes with <see cref="ImportanceScore.Error"/>.</param>
/// <param name="statistics">Statistics of the layer; null: none.</param>
/// <param name="factor">Their damped factor.</param>
/// <param name="format">How means are stored.</param>
/// <param name="codes">Receives the codes.</param>
internal sealed class StbLlmBlock(
    StbLlmOptions options, StbLlmTrial trial, BitMatrix keep, LayerStatistics? statistics, HessianFactor? factor, ScaleFormat format, GroupedCodes codes) : IBlockQuantizer
{
    private readonly bool isReleased = options.Variant == QuantizationVariant.Released;

    /// <summary>Blocks without an admissible pair of thresholds.</summary>
    public List<int> Undivided { get; } = [];

    /// <inheritdoc/>
    public void Quantize(ColumnBlock block, Matrix W)
    {
        double[]? cost = ChoosesInside(options, W.Columns) ? Sensitivity(block, 1) : null;
        if (cost is not null) ChooseKept(block, W, cost);
        SearchMatrix S = options.Search == SearchObjective.Scores ? ScoresOf(block, W) : new SearchMatrix(CopyOf(block, W), Sensitivity(block, trial.Power), keep, block.Columns.Start);

        // Levels that are refined are free of the fault of means that LevelRefinement describes; symmetric ones predict them better.
        bool asProgram = options.Search == SearchObjective.Scores;
        Trisection division = TrisectionSearch.Find(S, ColumnScores(S, block), asProgram, options.HasMeans && (asProgram || options.Fit == LevelFit.Plain));
        if (division.Candidates == 0) Undivided.Add(block.Index);
        AssignGroups(block, S, division);

        if (isReleased)
        {
            new GroupedFit(codes, SearchMatrix.Ones(S.Columns), OnThreshold.Middle).Quantize(block, W);
            return;
        }

        bool isRefined = options.Fit == LevelFit.Sensitivity;
        double[] omega = isRefined ? Sensitivity(block, trial.Power) : SearchMatrix.Ones(S.Columns);
        new KeptFit(codes, keep, omega, isRefined, cost, options.Keep, format, options.ScaleBits == 8 ? format.ToByte() : format).Quantize(block, W);
    }

    /// <summary>Whether kept weights are chosen inside the blocks: with that importance, and where no run straddles two blocks.</summary>
    public static bool ChoosesInside(StbLlmOptions options, int columns)
    {
        int width = ColumnRange.WidthOf(columns, options.GroupSize);
        return options.Importance == ImportanceScore.Error && (width >= columns || width % options.Keep.M == 0);
    }

    /// <summary>The kept set to start from: what leaving a weight out costs, √cost·|w|.</summary>
    private void ChooseKept(ColumnBlock block, Matrix W, double[] cost)
    {
        float[] root = Array.ConvertAll(cost, c => (float)Math.Sqrt(c));
        RowParallel.For(W.Rows, 16, (start, end) =>
        {
            var scores = new float[block.Columns.Count];
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> w = W.Row(i)[block.Columns.Start..block.Columns.End];
                for (int j = 0; j < scores.Length; j++) scores[j] = root[j] * MathF.Abs(w[j]);
                _ = KeptSet.ChooseRow(scores, options.Keep, keep, i, block.Columns.Start);
            }
        });
    }

    /// <summary>What the programs search: w²/d² or w itself, pruned weights among them as zeros.</summary>
    private SearchMatrix ScoresOf(ColumnBlock block, Matrix W)
    {
        Matrix values = CopyOf(block, W);
        for (int i = 0; !isReleased && i < W.Rows; i++) KeptSet.ClearOthers(keep, i, block.Columns.Start, values.Row(i));

        if (trial.Metric == SalienceMetric.Hessian) SearchMatrix.Scores(values.View, block.U!, values);
        return new SearchMatrix(values, SearchMatrix.Ones(block.Columns.Count));
    }

    private static Matrix CopyOf(ColumnBlock block, Matrix W) => Matrix.CopyOf(W.View[block.Columns]);

    private double[] Sensitivity(ColumnBlock block, double power)
        => ColumnSensitivity.Of(block, statistics, factor, options.Compensation ? options.Feedback : null, power);

    /// <summary>In whose descending order columns become salient.</summary>
    private double[] ColumnScores(SearchMatrix S, ColumnBlock block)
    {
        if (options.Search == SearchObjective.Scores || trial.Metric == SalienceMetric.Magnitude) return S.ColumnSums();
        var scores = new double[S.Columns];
        RowParallel.For(S.Columns, 16, (start, end) =>
        {
            for (int i = 0; i < S.Rows; i++)
            {
                ReadOnlySpan<float> row = S.Values.Row(i);
                for (int j = start; j < end; j++)
                {
                    if (S.IsKept(i, j)) scores[j] += (double)row[j] * row[j];
                }
            }

            for (int j = start; j < end; j++) scores[j] /= (double)block.U![j, j] * block.U[j, j];
        });
        return scores;
    }

    private void AssignGroups(ColumnBlock block, SearchMatrix S, Trisection division)
    {
        division.IsSalient.CopyTo(codes.IsSalient, block.Columns.Start);
        RowParallel.For(S.Rows, 64, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> row = S.Values.Row(i);
                Span<byte> groups = codes.GroupsOf(i, block.Columns);
                for (int j = 0; j < row.Length; j++) groups[j] = division.GroupOf(j, row[j]);
            }
        });
    }
}
