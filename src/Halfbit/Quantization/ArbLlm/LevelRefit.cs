using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>All levels of a row fitted at once to what its error costs, e·A·eᵀ, signs as they are: means and row scales of all groups by least squares.</summary>
/// <remarks>
/// With Φ the columns that one unit of each level adds to ŵ (a group's mask, its signs times column scales), the change of least cost solves (ΦᵀAΦ)·δ = ΦᵀA·e.
/// A small share of the diagonal is added, so that levels which the row cannot tell apart stay where they are. Scratch memory of one thread.
/// </remarks>
internal sealed class LevelRefit
{
    private const double Ridge = 1e-4;

    private readonly BlockCurvature curvature;
    private readonly GroupLayout layout;
    private readonly bool hasMeans;
    private readonly int size;
    private readonly int[] firstOf;
    private readonly float[][] images;
    private readonly double[] gram;
    private readonly double[] change;

    /// <summary>For one block.</summary>
    public LevelRefit(BlockCurvature curvature, GroupLayout layout, bool hasMeans)
    {
        this.curvature = curvature;
        this.layout = layout;
        this.hasMeans = hasMeans;
        firstOf = new int[layout.Count];
        for (int g = 0; g < layout.Count; g++)
        {
            firstOf[g] = size;
            size += layout.PlanesOf(g) + (hasMeans ? 1 : 0);
        }

        images = [.. Enumerable.Range(0, size).Select(_ => new float[curvature.Width])];
        gram = new double[size * size];
        change = new double[size];
    }

    /// <summary>Changes the levels of a row.</summary>
    /// <param name="i">Which row.</param>
    /// <param name="groupOf">[w], the group of each weight.</param>
    /// <param name="row">Its signs; planes whose scale changes its sign have theirs turned.</param>
    /// <param name="gradient">[w], A·e; kept valid.</param>
    /// <param name="levels">The levels; scales ≥ 0 before and after.</param>
    public void Refit(int i, ReadOnlySpan<byte> groupOf, LevelRow row, Span<float> gradient, BlockLevels levels)
    {
        foreach (float[] image in images) Array.Clear(image);
        Array.Clear(gram);
        Array.Clear(change);
        for (int j = 0; j < groupOf.Length; j++)
        {
            int group = groupOf[j];
            int parameter = firstOf[group];
            ReadOnlySpan<float> a = curvature.A.Row(j);
            if (hasMeans) AddUnit(parameter++, 1f, a, gradient[j]);
            AddUnit(parameter++, FirstUnit(j, group, row, levels), a, gradient[j]);
            if (layout.PlanesOf(group) == 2) AddUnit(parameter, SecondUnit(j, group, row, levels), a, gradient[j]);
        }

        for (int j = 0; j < groupOf.Length; j++)
        {
            int group = groupOf[j];
            int parameter = firstOf[group];
            if (hasMeans) AddProducts(parameter++, 1f, j);
            AddProducts(parameter++, FirstUnit(j, group, row, levels), j);
            if (layout.PlanesOf(group) == 2) AddProducts(parameter, SecondUnit(j, group, row, levels), j);
        }

        if (!Solve()) return;
        for (int p = 0; p < size; p++) SignDescent.AddScaled(-(float)change[p], images[p], gradient);
        for (int g = 0; g < layout.Count; g++) Apply(i, g, groupOf, row, levels);
    }

    /// <summary>What weight j gains when the first scale of its group grows by one unit.</summary>
    private static float FirstUnit(int j, int group, LevelRow row, BlockLevels levels) => row.FirstSign[j] * (float)(levels.Beta[group][0]?[j] ?? 1);

    private static float SecondUnit(int j, int group, LevelRow row, BlockLevels levels) => row.SecondSign[j] * (float)(levels.Beta[group][1]?[j] ?? 1);

    private void AddUnit(int parameter, float unit, ReadOnlySpan<float> a, float gradient)
    {
        SignDescent.AddScaled(unit, a, images[parameter]);
        change[parameter] += unit * (double)gradient;
    }

    private void AddProducts(int parameter, float unit, int j)
    {
        Span<double> line = gram.AsSpan(parameter * size, size);
        for (int q = 0; q < line.Length; q++) line[q] += (double)unit * images[q][j];
    }

    private void Apply(int i, int group, ReadOnlySpan<byte> groupOf, LevelRow row, BlockLevels levels)
    {
        RowLevels old = levels.Rows[group][i];
        int parameter = firstOf[group];
        double mu = hasMeans ? old.Mu + change[parameter++] : 0;
        double alpha = old.Alpha + change[parameter++];
        double second = layout.PlanesOf(group) == 2 ? old.SecondAlpha + change[parameter] : 0;
        for (int j = 0; (alpha < 0 || second < 0) && j < groupOf.Length; j++)
        {
            if (groupOf[j] != group) continue;
            if (alpha < 0) row.FirstSign[j] = -row.FirstSign[j];
            if (second < 0) row.SecondSign[j] = -row.SecondSign[j];
        }

        levels.Rows[group][i] = new RowLevels(mu, Math.Abs(alpha), Math.Abs(second));
    }

    /// <summary>Cholesky's method on the damped normal equations; parameters without any weight stay.</summary>
    private bool Solve()
    {
        for (int p = 0; p < size; p++)
        {
            double diagonal = gram[(p * size) + p];
            gram[(p * size) + p] = diagonal > 0 ? diagonal * (1 + Ridge) : 1;
            if (!(diagonal > 0)) change[p] = 0;
        }

        for (int p = 0; p < size; p++)
        {
            for (int q = 0; q <= p; q++)
            {
                double sum = gram[(p * size) + q];
                for (int k = 0; k < q; k++) sum -= gram[(p * size) + k] * gram[(q * size) + k];
                if (p == q && !(sum > 0)) return false;
                gram[(p * size) + q] = p == q ? Math.Sqrt(sum) : sum / gram[(q * size) + q];
            }
        }

        for (int p = 0; p < size; p++)
        {
            for (int k = 0; k < p; k++) change[p] -= gram[(p * size) + k] * change[k];
            change[p] /= gram[(p * size) + p];
        }

        for (int p = size - 1; p >= 0; p--)
        {
            for (int k = p + 1; k < size; k++) change[p] -= gram[(k * size) + p] * change[k];
            change[p] /= gram[(p * size) + p];
        }

        return true;
    }
}
