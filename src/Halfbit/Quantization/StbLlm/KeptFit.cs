using Halfbit.Numerics;
using Halfbit.Quantization.Steps;
using Halfbit.Representation;

namespace Halfbit.Quantization.StbLlm;

/// <summary>Fits levels to the kept cells of a block, row by row, codes them, and makes the others zero.</summary>
/// <param name="codes">Receives levels and signs; its groups of the block are set, and may change.</param>
/// <param name="keep">[rows, n], kept cells; may change when <paramref name="cost"/> is given.</param>
/// <param name="omega">[w], weight ω_j ≥ 0 of each column in the fit.</param>
/// <param name="isRefined">
/// Whether levels, groups and (with <paramref name="cost"/>) the kept set are improved in turn: least-squares levels, then for each cell the group with the nearest level,
/// then in each run the cells whose binarization saves most. If not: the residual fit with its own signs, as the released functions.
/// </param>
/// <param name="cost">[w], what a squared error costs in each column, when the kept set is free within <paramref name="pattern"/>; null: it is fixed.</param>
/// <param name="pattern">The pattern.</param>
/// <param name="format">How means are stored.</param>
/// <param name="alphaFormat">How scales are stored.</param>
internal sealed class KeptFit(GroupedCodes codes, BitMatrix keep, double[] omega, bool isRefined, double[]? cost, NOfM pattern, ScaleFormat format, ScaleFormat alphaFormat)
{
    /// <summary>Rounds of levels, groups and kept set; later ones change little.</summary>
    private const int Rounds = 4;
    private const int MostGroups = 4;

    /// <summary>Quantizes the block's cells in <paramref name="W"/>.</summary>
    /// <param name="block">Which block.</param>
    /// <param name="W">[rows, n]; the block's columns are replaced.</param>
    public void Quantize(ColumnBlock block, Matrix W) => RowParallel.For(W.Rows, 16, (start, end) =>
    {
        var row = new Row(block.Columns.Count);
        for (int i = start; i < end; i++)
        {
            Span<float> w = W.Row(i)[block.Columns.Start..block.Columns.End];
            if (isRefined) Improve(block, i, w, row);
            Code(block, i, w, row);
        }
    });

    private void Improve(ColumnBlock block, int i, ReadOnlySpan<float> w, Row row)
    {
        Span<byte> groups = codes.GroupsOf(i, block.Columns);
        Span<SignLevels> levels = stackalloc SignLevels[MostGroups];
        Span<bool> isUsed = stackalloc bool[MostGroups];
        for (int round = 0; round < Rounds; round++)
        {
            for (int g = 0; g < codes.Groups; g++)
            {
                int count = Gather(block, i, g, w, groups, row);
                isUsed[g] = count > 0;
                levels[g] = Fit(g, count, row);
            }

            bool hasChanged = Regroup(w, groups, levels, isUsed, row.Scores);
            if (cost is not null) hasChanged |= KeptSet.ChooseRow(row.Scores.AsSpan(0, w.Length), pattern, keep, i, block.Columns.Start);
            if (!hasChanged) break;
        }
    }

    /// <summary>Gives every cell that is not salient the group with the nearest level; writes what binarizing each cell saves.</summary>
    private bool Regroup(ReadOnlySpan<float> w, Span<byte> groups, ReadOnlySpan<SignLevels> levels, ReadOnlySpan<bool> isUsed, float[] scores)
    {
        bool hasChanged = false;
        double unit = 0;
        foreach (float value in w) unit = Math.Max(unit, (double)value * value);
        unit = unit > 0 ? 1 / unit : 0;
        for (int j = 0; j < w.Length; j++)
        {
            byte best = groups[j];
            float least = Distance(w[j], levels[best]);
            for (byte g = Trisection.Dense; best != Trisection.Salient && g < levels.Length; g++)
            {
                if (!isUsed[g]) continue;
                float distance = Distance(w[j], levels[g]);
                if (distance < least) (best, least) = (g, distance);
            }

            hasChanged |= best != groups[j];
            groups[j] = best;
            if (cost is not null) scores[j] = (float)(cost[j] * (((double)w[j] * w[j]) - ((double)least * least)) * unit);
        }

        return hasChanged;
    }

    private static float Distance(float w, SignLevels levels)
    {
        (int first, int second) = levels.Nearest(w);
        return MathF.Abs(w - levels.Value(first, second));
    }

    private void Code(ColumnBlock block, int i, Span<float> w, Row row)
    {
        Span<byte> groups = codes.GroupsOf(i, block.Columns);
        for (int g = 0; g < codes.Groups; g++)
        {
            int count = Gather(block, i, g, w, groups, row);
            if (count == 0) continue;
            int planes = codes.PlanesOf(g);
            SignLevels stored = Store(block, i, g, Fit(g, count, row));
            stored = Store(block, i, g, KeptLevels.WithoutZeros(stored, codes.HasMeans, format, alphaFormat));
            for (int k = 0; k < count; k++)
            {
                int j = row.Columns[k];
                (int first, int second) = isRefined ? stored.Nearest(row.X[k]) : (row.Signs[k], planes == 1 ? 1 : row.Signs[count + k]);
                codes.SetSigns(i, block.Columns.Start + j, first, second);
                w[j] = stored.Value(first, second);
            }
        }

        for (int j = 0; j < w.Length; j++)
        {
            if (keep[i, block.Columns.Start + j]) continue;
            w[j] = 0f;
            if (groups[j] != Trisection.Salient) groups[j] = Trisection.Dense; // without meaning
        }
    }

    private SignLevels Store(ColumnBlock block, int i, int group, SignLevels levels)
        => codes.SetLevels(i, block.Index, group, levels.Mu, levels.Planes == 1 ? [levels.First] : [levels.First, levels.Second]);

    /// <summary>Levels of the gathered cells.</summary>
    private SignLevels Fit(int group, int count, Row row)
    {
        int planes = codes.PlanesOf(group);
        Span<float> mu = stackalloc float[2];
        Span<float> alpha = stackalloc float[2];
        ReadOnlySpan<float> x = row.X.AsSpan(0, count);
        ResidualBinarization.Fit(x, row.Omega, codes.HasMeans, OnThreshold.Upper, mu[..planes], alpha[..planes], row.Signs, row.Residual);
        var levels = new SignLevels(planes == 1 ? mu[0] : mu[0] + mu[1], alpha[0], alpha[1], planes);
        bool isOptimal = planes == 1 && !codes.HasMeans; // α = Σω|w|/Σω
        return isRefined && !isOptimal ? LevelRefinement.Refine(x, row.Omega, levels, codes.HasMeans) : levels;
    }

    private int Gather(ColumnBlock block, int i, int group, ReadOnlySpan<float> w, ReadOnlySpan<byte> groups, Row row)
    {
        int count = 0;
        for (int j = 0; j < w.Length; j++)
        {
            if (groups[j] != group || !keep[i, block.Columns.Start + j]) continue;
            row.Columns[count] = j;
            row.X[count] = w[j];
            row.Omega[count++] = omega[j];
        }

        return count;
    }

    /// <summary>Room for one row, used for all rows of a thread's piece.</summary>
    private sealed class Row(int columns)
    {
        public int[] Columns { get; } = new int[columns];

        public float[] X { get; } = new float[columns];

        public double[] Omega { get; } = new double[columns];

        public sbyte[] Signs { get; } = new sbyte[2 * columns];

        public float[] Residual { get; } = new float[columns];

        public float[] Scores { get; } = new float[columns];
    }
}
