using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>Quantizes the blocks of one layer: division into groups, levels of each group and row, signs.</summary>
/// <param name="W">[rows, n], shape only.</param>
/// <param name="keep">[rows, n], kept weights; the others become zero. Null: all are binarized (the released program).</param>
/// <param name="sensitivity">[n], how much an error in each column counts; null: all alike.</param>
/// <param name="metric">What makes a column salient.</param>
/// <param name="options">Options of the method.</param>
/// <param name="format">How means are stored, and scales unless they are bytes.</param>
internal sealed class TrisectionQuantizer(Matrix W, BitMatrix? keep, double[]? sensitivity, SalienceMetric metric, StbLlmOptions options, ScaleFormat format) : IBlockQuantizer
{
    private readonly bool isReleased = options.Variant == QuantizationVariant.Released;
    private readonly ScaleFormat alphaFormat = options.ScaleBits == 8 ? format.ToByte() : format;

    /// <summary>What was chosen so far.</summary>
    public LevelTables Tables { get; } = new(W.Rows, W.Columns, options.GroupSize, options.HasMeans, options.ScaleBits == 8);

    /// <summary>The divisions of all blocks so far.</summary>
    public List<TrisectionGroups> Blocks { get; } = [];

    /// <inheritdoc/>
    public void Quantize(ColumnBlock block, Matrix W)
    {
        SearchMatrix S = options.Search == SearchObjective.Scores ? ScoresOf(block, W) : WeightsOf(block, W);
        TrisectionGroups groups = TrisectionGroups.Find(S, ColumnScores(S, block), isReleased || options.Search == SearchObjective.Scores, options.HasMeans);
        Blocks.Add(groups);
        groups.IsSalient.CopyTo(Tables.IsSalient, block.Columns.Start);
        double[] omega = options.Fit == LevelFit.Sensitivity ? OmegaOf(block) : SearchMatrix.Ones(block.Columns.Count);
        RowParallel.For(W.Rows, 16, (start, end) =>
        {
            var row = new RowOfGroups(block.Columns.Count);
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> s = S.Values.Row(i);
                Span<byte> group = Tables.Group.AsSpan((i * W.Columns) + block.Columns.Start, block.Columns.Count);
                for (int j = 0; j < group.Length; j++) group[j] = groups.Of(j, s[j]);
                Binarize(i, block, W.Row(i)[block.Columns.Start..block.Columns.End], group, omega, row);
            }
        });
    }

    private void Binarize(int i, ColumnBlock block, Span<float> w, ReadOnlySpan<byte> group, double[] omega, RowOfGroups row)
    {
        for (byte g = TrisectionGroups.Dense; g <= TrisectionGroups.Salient; g++)
        {
            int planes = g == TrisectionGroups.Salient ? 2 : 1;
            int count = row.Gather(w, group, g, omega, j => keep is null || keep[i, block.Columns.Start + j]);
            StoredLevels levels = row.Fit(count, planes, options.HasMeans, isReleased, format, alphaFormat);
            if (keep is not null && count > 0) levels = levels.WithoutZeros(options.HasMeans, format, alphaFormat);
            Tables.SetLevels(i, block.Index, g, levels);
            for (int k = 0; k < count; k++)
            {
                int j = row.Column(k);
                (bool isUpper, bool isSecondUpper) = isReleased ? row.FittedSigns(k, count, planes) : levels.Nearest(w[j]);
                Tables.SetSigns(i, block.Columns.Start + j, isUpper, isSecondUpper);
                w[j] = isReleased ? row.FittedValue(k, count, levels) : levels.Value(isUpper, isSecondUpper);
            }
        }

        for (int j = 0; keep is not null && j < w.Length; j++)
        {
            if (!keep[i, block.Columns.Start + j]) w[j] = 0f;
        }
    }

    /// <summary>What the programs search: w²/d² or w itself, pruned weights among them as zeros.</summary>
    private SearchMatrix ScoresOf(ColumnBlock block, Matrix W)
    {
        Matrix values = CopyOf(block, W);
        for (int i = 0; keep is not null && i < W.Rows; i++)
        {
            Span<float> row = values.Row(i);
            for (int j = 0; j < row.Length; j++)
            {
                if (!keep[i, block.Columns.Start + j]) row[j] = 0f;
            }
        }

        if (metric == SalienceMetric.Hessian) SearchMatrix.Scores(values.View, block.U!, values);
        return new SearchMatrix(values, SearchMatrix.Ones(block.Columns.Count));
    }

    /// <summary>The kept weights, each column with its sensitivity.</summary>
    private SearchMatrix WeightsOf(ColumnBlock block, Matrix W) => new(CopyOf(block, W), OmegaOf(block), keep, block.Columns.Start);

    private static Matrix CopyOf(ColumnBlock block, Matrix W) => Matrix.CopyOf(W.View[block.Columns]);

    private double[] OmegaOf(ColumnBlock block) => sensitivity?[block.Columns.Start..block.Columns.End] ?? SearchMatrix.Ones(block.Columns.Count);

    /// <summary>In whose descending order columns become salient.</summary>
    private double[] ColumnScores(SearchMatrix S, ColumnBlock block)
    {
        if (options.Search == SearchObjective.Scores || metric == SalienceMetric.Magnitude) return S.ColumnSums();
        var scores = new double[S.Columns];
        for (int i = 0; i < S.Rows; i++)
        {
            ReadOnlySpan<float> row = S.Values.Row(i);
            for (int j = 0; j < row.Length; j++)
            {
                if (S.IsKept(i, j)) scores[j] += (double)row[j] * row[j];
            }
        }

        for (int j = 0; j < scores.Length; j++) scores[j] /= (double)block.U![j, j] * block.U[j, j];
        return scores;
    }
}
