using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Statistics;

namespace Halfbit.Quantization.BiLlm;

/// <summary>One block of BiLLM: salient columns, break point, three groups.</summary>
/// <param name="options">Options.</param>
/// <param name="trial">What they leave open.</param>
/// <param name="statistics">Statistics of the layer; null: none.</param>
/// <param name="factor">Their damped factor.</param>
/// <param name="codes">Receives the codes.</param>
internal sealed class BiLlmBlock(BiLlmOptions options, BiLlmTrial trial, LayerStatistics? statistics, HessianFactor? factor, GroupedCodes codes) : IBlockQuantizer
{
    /// <summary>Groups in the stored order.</summary>
    private const byte Salient = 0;
    private const byte Low = 1;
    private const byte High = 2;

    private static readonly QuantileGrid ReleasedGrid = new(81, QuantileArithmetic.Mixed);
    private static readonly QuantileGrid Grid = new(89, QuantileArithmetic.Mixed, highest: 0.98f);

    private readonly bool isReleased = options.Variant == QuantizationVariant.Released;
    private Matrix? values;
    private float[] magnitudes = [];

    /// <inheritdoc/>
    public void Quantize(ColumnBlock block, Matrix W)
    {
        double[] sensitivity = ColumnSensitivity.Of(block, statistics, factor, options.Compensation ? options.Feedback : null, trial.Power);
        SearchMatrix S = Searched(block, W, sensitivity);
        SalientColumns salient = FindSalient(block, S);
        bool[] isExcluded = [.. Enumerable.Range(0, S.Columns).Select(j => salient.IsSalient[j] || (!isReleased && IsDead(block, j)))];
        float threshold = BreakPoint(S, isReleased ? salient.IsSalient : isExcluded);
        AssignGroups(block, S, salient.IsSalient, threshold);
        double[] omega = options.Fit == LevelFit.Sensitivity ? sensitivity : SearchMatrix.Ones(S.Columns);
        new GroupedFit(codes, omega, isReleased ? OnThreshold.Middle : OnThreshold.Upper).Quantize(block, W);
    }

    /// <summary>What the searches look at: scores w²/d² (the released program with the Hessian metric), or the weights.</summary>
    private SearchMatrix Searched(ColumnBlock block, Matrix W, double[] sensitivity)
    {
        int columns = block.Columns.Count;
        if (values is null || values.Columns != columns) values = new Matrix(W.Rows, columns);
        if (options.Search == SearchObjective.Scores && trial.Metric == SalienceMetric.Hessian) SearchMatrix.Scores(W.View[block.Columns], block.U!, values);
        else W.View[block.Columns].CopyTo(values.View);
        return new SearchMatrix(values, options.Search == SearchObjective.Weights ? sensitivity : SearchMatrix.Ones(columns));
    }

    private SalientColumns FindSalient(ColumnBlock block, SearchMatrix S)
    {
        int most = Math.Min(SalientColumnSearch.Most, S.Columns - 1);
        if (isReleased && most < SalientColumnSearch.Most)
        {
            throw new NumericsException(
                $"the block at column {block.Columns.Start} has {S.Columns} columns; the released program needs at least {SalientColumnSearch.Most + 1} in every block: choose another --group-size, or leave out --variant released");
        }

        double[] scores = options.Search == SearchObjective.Weights && trial.Metric == SalienceMetric.Hessian ? WeightedSquares(block, S) : S.ColumnSums();
        return SalientColumnSearch.Find(S, scores, most == SalientColumnSearch.Most ? 1 : 0, most, options.HasMeans);
    }

    private float BreakPoint(SearchMatrix S, bool[] isExcluded)
    {
        if (magnitudes.Length < S.Values.Data.Length) magnitudes = new float[S.Values.Data.Length];
        int count = S.CopyMagnitudes(isExcluded, excludedAreZeros: isReleased, magnitudes);
        if (count == 0) return 0f;
        float[] candidates = (isReleased ? ReleasedGrid : Grid).Of(magnitudes.AsSpan(0, count));
        return candidates[SplitSearch.Find(S, isExcluded, [candidates], 1, options.HasMeans).Index];
    }

    private void AssignGroups(ColumnBlock block, SearchMatrix S, bool[] isSalient, float threshold)
    {
        isSalient.CopyTo(codes.IsSalient, block.Columns.Start);
        byte[] lowest = [.. isSalient.Select(s => s ? Salient : Low)];
        byte[] step = [.. isSalient.Select(s => s ? (byte)0 : (byte)(High - Low))];
        RowParallel.For(S.Rows, 64, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> row = S.Values.Row(i);
                Span<byte> groups = codes.GroupsOf(i, block.Columns);
                for (int j = 0; j < row.Length; j++) groups[j] = (byte)(lowest[j] + (MathF.Abs(row[j]) < threshold ? 0 : step[j]));
            }
        });
    }

    private bool IsDead(ColumnBlock block, int j) => factor is not null && factor.IsDead[block.Columns.Start + j];

    /// <summary>Σ over rows of w²/d², 0 for dead columns.</summary>
    private static double[] WeightedSquares(ColumnBlock block, SearchMatrix S)
    {
        var sums = new double[S.Columns];
        for (int i = 0; i < S.Rows; i++)
        {
            ReadOnlySpan<float> row = S.Values.Row(i);
            for (int j = 0; j < row.Length; j++) sums[j] += (double)row[j] * row[j];
        }

        for (int j = 0; j < sums.Length; j++) sums[j] /= (double)block.U![j, j] * block.U[j, j];
        return sums;
    }
}
