using Halfbit.Numerics;
using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>
/// The groups of a block: how many columns are salient, where salient weights part into groups (the column-group bitmap of ARB-LLM), where the others do.
/// All thresholds part by magnitude and are quantiles from 10 % to 90 %.
/// </summary>
/// <param name="layout">The groups.</param>
/// <param name="rules">Details.</param>
/// <param name="fit">Fits a group that was split off, when further splits follow.</param>
internal sealed class PartitionSearch(GroupLayout layout, PartitionRules rules, IBlockFit fit)
{
    /// <summary>Errors that differ by less than this share of what is binarized are equal but for rounding; the first wins. One or two weights per row and plane leave an error of zero.</summary>
    private const double Rounding = 1e-12;

    private static readonly QuantileGrid Grid = new(81, QuantileArithmetic.Single);

    /// <summary>Finds the groups of a block.</summary>
    /// <param name="M">[rows, w], what is thresholded and binarized in the search.</param>
    /// <param name="columnScores">[w]; columns become salient in descending order.</param>
    /// <param name="S">[w, padded w]: errors of the splits of other columns are weighted with it; null: with the column weights of <paramref name="M"/>.</param>
    public Partition Find(SearchMatrix M, double[] columnScores, double[]? S)
    {
        int most = Math.Min(SalientColumnSearch.Most, M.Columns - 1);
        SalientColumns salient = SalientColumnSearch.Find(M, columnScores, Math.Min(rules.FewestSalient, most), most, rules.HasMeans);
        var partition = new Partition(M.Rows, salient.IsSalient, layout);
        if (layout.Salient > 1) SplitGroup(M, partition, 0, layout.Salient - 1, null);
        SplitGroup(M, partition, layout.Salient, layout.Count - 1, S);
        return partition;
    }

    /// <summary>Splits groups first, first + 1, … off the last group of a kind.</summary>
    private void SplitGroup(SearchMatrix M, Partition partition, int first, int last, double[]? S)
    {
        bool isSalient = first == 0 && layout.Salient > 1;
        double best = double.PositiveInfinity;
        double taken = 0;
        for (int group = first; group < last; group++)
        {
            float[] magnitudes = partition.Magnitudes(M.Values, last, othersAreZeros: rules.CountsExcluded && !isSalient, zerosCount: !isSalient || !rules.CountsExcluded);
            if (magnitudes.Length == 0) return;
            float[] thresholds = Grid.Of(magnitudes);
            double[] errors = S is null ? Errors(M, partition, last, thresholds, isSalient) : CorrelatedErrors(M, partition, last, thresholds, S);
            double tolerance = Rounding * EnergyOf(M, partition, last);
            int winner = 0;
            for (int k = 0; k < thresholds.Length; k++)
            {
                if (!(taken + errors[k] < best - tolerance)) continue;
                best = taken + errors[k];
                winner = k;
            }

            partition.Split(M.Values, last, group, thresholds[winner]);
            if (!rules.CarriesBest) best = double.PositiveInfinity;
            else if (group + 1 < last) taken += ErrorOf(M, partition, group, isSalient);
        }
    }

    private double[] Errors(SearchMatrix M, Partition partition, int group, float[] thresholds, bool isSalient)
    {
        var members = new SearchMatrix(M.Values, M.Omega, partition.Members(group));
        bool[] isExcluded = Array.ConvertAll(partition.IsSalient, s => s != isSalient);
        return SplitSearch.Find(members, isExcluded, [thresholds], isSalient ? 2 : 1, rules.HasMeans).Errors;
    }

    /// <summary>The error of a group that was split off: by residual binarization where it is salient, else as it will be fitted.</summary>
    private double ErrorOf(SearchMatrix M, Partition partition, int group, bool isSalient)
    {
        BlockLevels levels = Fitted(M, partition, group, isSalient ? new RowFit(layout, ArbRefinement.None, 0, rules.HasMeans, OnThreshold.Middle) : fit);
        double error = 0;
        for (int i = 0; i < M.Rows; i++)
        {
            for (int j = 0; j < M.Columns; j++)
            {
                if (partition.GroupOf[(i * M.Columns) + j] != group) continue;
                double e = M.Values[i, j] - levels.Value(i, j, group);
                error += M.Omega[j] * (e * e);
            }
        }

        return error;
    }

    /// <summary>Σωx² over a group.</summary>
    private static double EnergyOf(SearchMatrix M, Partition partition, int group)
    {
        double energy = 0;
        for (int i = 0; i < M.Rows; i++)
        {
            ReadOnlySpan<float> row = M.Values.Row(i);
            ReadOnlySpan<byte> groupOf = partition.GroupOf.AsSpan(i * M.Columns, M.Columns);
            for (int j = 0; j < row.Length; j++) energy += groupOf[j] == group ? M.Omega[j] * row[j] * row[j] : 0;
        }

        return energy;
    }

    private BlockLevels Fitted(SearchMatrix M, Partition partition, int group, IBlockFit groupFit)
    {
        var levels = new BlockLevels(M.Rows, M.Columns, layout);
        groupFit.Fit(new ArbBlock(M.Values, partition.GroupOf, partition.IsSalient, M.Omega, null), group, levels);
        return levels;
    }

    /// <summary>Σ δ·S·δᵀ over the rows for every threshold, δ what is left of a row of M.</summary>
    private double[] CorrelatedErrors(SearchMatrix M, Partition partition, int group, float[] thresholds, double[] S)
    {
        // What is left outside the group is the same for all thresholds. All salient weights are fitted as one group here.
        Matrix left = Matrix.CopyOf(M.Values.View);
        var whole = new Partition(M.Rows, partition.IsSalient, new GroupLayout(1, layout.Other));
        SubtractFit(left, M, whole, 0);
        for (int g = layout.Salient; g < group; g++) SubtractFit(left, M, partition, g);
        return new CorrelatedSplitErrors(left, partition, group, S, rules.HasMeans).Of(thresholds);
    }

    private void SubtractFit(Matrix left, SearchMatrix M, Partition partition, int group)
    {
        BlockLevels levels = Fitted(M, partition, group, fit);
        for (int i = 0; i < left.Rows; i++)
        {
            for (int j = 0; j < left.Columns; j++)
            {
                if (partition.GroupOf[(i * left.Columns) + j] == group) left[i, j] -= (float)levels.Value(i, j, group);
            }
        }
    }
}
