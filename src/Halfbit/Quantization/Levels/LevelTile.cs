using System.Runtime.Intrinsics;
using Halfbit.Representation;
using static Halfbit.Numerics.RowTile;

namespace Halfbit.Quantization.Levels;

/// <summary>
/// Sixteen rows of a block while their codes and levels are fitted to each other. A code is a signed number of a magnitude: ±1 is the first of the column's kind,
/// 0 a weight that is not kept.
/// </summary>
/// <remarks>
/// The steps: levels from the weights' moments (<see cref="Initialize"/>); codes by a walk over the columns, each taking the nearest level once the columns before it are
/// compensated (<see cref="Walk"/>, the decision of GPTQ and of successive cancellation); levels by least squares for given codes (<see cref="Refit"/>); codes one by one by
/// their exact effect (<see cref="Descend"/>). The last two never raise r·G·rᵀ.
/// </remarks>
internal sealed class LevelTile
{
    private static readonly float[][] GaussianLevels =
    [
        [],
        [0.7979f],
        [0.4528f, 1.510f],
        [0.3177f, 1.000f, 1.894f],
        [0.2451f, 0.7560f, 1.344f, 2.152f],
        [0.1996f, 0.6099f, 1.058f, 1.591f, 2.344f],
        [0.1684f, 0.5119f, 0.8768f, 1.286f, 1.783f, 2.499f],
        [0.1457f, 0.4413f, 0.7505f, 1.086f, 1.468f, 1.939f, 2.625f],
        [0.1284f, 0.3881f, 0.6568f, 0.9424f, 1.256f, 1.618f, 2.069f, 2.733f],
    ];

    private readonly LevelShape shape;
    private readonly BlockMetric metric;
    private readonly bool[] isSalient;
    private readonly float[] beta;
    private readonly int columns;
    private readonly float[] residual;
    private readonly float[] gradient;
    private readonly float[] product;
    private readonly float[] basis;
    private readonly float[] normal;
    private readonly float[] right;

    /// <summary>A tile of a block.</summary>
    /// <param name="shape">The levels.</param>
    /// <param name="metric">The block's metric.</param>
    /// <param name="isSalient">[w].</param>
    /// <param name="beta">[w], column scales &gt; 0.</param>
    public LevelTile(LevelShape shape, BlockMetric metric, bool[] isSalient, float[] beta)
    {
        this.shape = shape;
        this.metric = metric;
        this.isSalient = isSalient;
        this.beta = beta;
        columns = isSalient.Length;
        X = new float[columns * Lanes];
        Q = new float[columns * Lanes];
        Code = new float[columns * Lanes];
        Keep = new float[columns * Lanes];
        Levels = new float[shape.Levels * Lanes];
        PlaneScales = new float[shape.Levels * Lanes];
        Mu = new float[Lanes];
        residual = new float[columns * Lanes];
        gradient = new float[columns * Lanes];
        product = new float[columns * Lanes];
        int unknowns = shape.Levels + (shape.HasMean ? 1 : 0);
        basis = new float[unknowns * columns * Lanes];
        normal = new float[unknowns * unknowns * Lanes];
        right = new float[unknowns * Lanes];
    }

    /// <summary>[w][16], the weights to approximate.</summary>
    public float[] X { get; }

    /// <summary>[w][16], their approximation.</summary>
    public float[] Q { get; }

    /// <summary>[w][16], codes.</summary>
    public float[] Code { get; }

    /// <summary>[w][16], 1 for kept weights, 0 for others.</summary>
    public float[] Keep { get; }

    /// <summary>[levels][16], magnitudes &gt; 0: those of salient columns, then the others', each kind in ascending order after <see cref="Refit"/>.</summary>
    public float[] Levels { get; }

    /// <summary>[levels][16], the scales of sign planes that the rounded magnitudes come from.</summary>
    public float[] PlaneScales { get; }

    /// <summary>[16], means.</summary>
    public float[] Mu { get; }

    /// <summary>Levels that suit Gaussian weights of the same mean and power, then a few steps towards the weights at hand, each column weighted by 1/d².</summary>
    public void Initialize()
    {
        Vector512<float> mass = default;
        Vector512<float> sum = default;
        for (int j = 0; j < columns; j++)
        {
            Vector512<float> weight = At(Keep, j) * metric.Weight[j];
            mass += weight;
            sum = Vector512.FusedMultiplyAdd(weight, At(X, j), sum);
        }

        Vector512<float> mu = shape.HasMean ? Quotient(sum, mass, Vector512<float>.Zero) : Vector512<float>.Zero;
        mu.CopyTo(Mu);
        InitializeKind(salient: true, 0, shape.SalientLevels, mu);
        InitializeKind(salient: false, shape.SalientLevels, shape.PlainGroups, mu);
    }

    /// <summary>Codes column by column: the nearest level of what the weight has become after all columns before it were made up for.</summary>
    /// <param name="selects">Whether the walk also decides which weights to keep, run by run of the pattern, as their compensated values tell.</param>
    /// <param name="firstColumn">Column of the matrix where the block starts, for the last run's width.</param>
    /// <param name="allColumns">Columns of the matrix.</param>
    public void Walk(bool selects, int firstColumn, int allColumns)
    {
        Span<float> current = residual;
        X.CopyTo(current);
        Vector512<float> mu = Vector512.Create<float>(Mu);
        for (int j = 0; j < columns; j++)
        {
            if (selects && (firstColumn + j) % shape.Pattern!.Value.M == 0) SelectRun(j, shape.Pattern.Value.KeptOfRun(firstColumn + j, allColumns), current, mu);
            Vector512<float> v = At(current, j);
            Vector512<float> q = Nearest(j, v, mu, out Vector512<float> code);
            q.CopyTo(Q.AsSpan(j * Lanes));
            code.CopyTo(Code.AsSpan(j * Lanes));
            if (metric.Weight[j] == 0) continue;
            ReadOnlySpan<float> u = metric.U.Row(j);
            Vector512<float> e = (v - q) / u[j];
            SubtractOuter(e, u[(j + 1)..], current[((j + 1) * Lanes)..]);
        }
    }

    /// <summary>The magnitudes (and mean) of least r·G·rᵀ for the codes at hand. A magnitude that no weight has, or that would not be positive, stays.</summary>
    public void Refit()
    {
        int levels = shape.Levels;
        int unknowns = levels + (shape.HasMean ? 1 : 0);
        int stride = columns * Lanes;
        for (int b = 0; b < unknowns; b++) FillBasis(b, basis.AsSpan(b * stride, stride));
        for (int b = 0; b < unknowns; b++)
        {
            Multiply(basis.AsSpan(b * stride, stride), metric.G.View, product);
            for (int c = b; c < unknowns; c++) Dot(product, basis.AsSpan(c * stride, stride)).CopyTo(normal.AsSpan(((b * unknowns) + c) * Lanes));
            Dot(product, X).CopyTo(right.AsSpan(b * Lanes));
        }

        Span<double> solution = stackalloc double[16];
        Span<double> matrix = stackalloc double[256];
        for (int r = 0; r < Lanes; r++)
        {
            for (int b = 0; b < unknowns; b++)
            {
                float old = b < levels ? Levels[(b * Lanes) + r] : Mu[r];
                bool isFree = normal[(((b * unknowns) + b) * Lanes) + r] > 0;
                solution[b] = isFree ? right[(b * Lanes) + r] : old;
                for (int c = b; c < unknowns; c++)
                {
                    double a = normal[(((b * unknowns) + c) * Lanes) + r];
                    bool isOtherFree = normal[(((c * unknowns) + c) * Lanes) + r] > 0;
                    matrix[(b * unknowns) + c] = b == c ? (isFree ? a * (1 + 1e-9) : 1) : isFree && isOtherFree ? a : 0;
                }
            }

            if (!SmallSystem.TrySolve(matrix, solution, unknowns)) continue;
            bool arePositive = true;
            for (int b = 0; b < levels; b++) arePositive &= solution[b] > 0 || normal[(((b * unknowns) + b) * Lanes) + r] <= 0;
            if (!arePositive) continue;
            for (int b = 0; b < levels; b++) Levels[(b * Lanes) + r] = (float)solution[b];
            if (shape.HasMean) Mu[r] = (float)solution[levels];
        }

        for (int r = 0; r < Lanes; r++)
        {
            SortLevels(r, salient: true, 0, shape.SalientLevels);
            SortLevels(r, salient: false, shape.SalientLevels, shape.PlainGroups);
        }
    }

    /// <summary>Puts the magnitudes of a kind into ascending order, and the codes with them: so that a group is the same in all rows.</summary>
    private void SortLevels(int lane, bool salient, int first, int count)
    {
        bool isSorted = true;
        for (int l = 1; l < count; l++) isSorted &= Levels[((first + l - 1) * Lanes) + lane] <= Levels[((first + l) * Lanes) + lane];
        if (isSorted) return;
        Span<float> levels = stackalloc float[8];
        Span<int> order = stackalloc int[8];
        for (int l = 0; l < count; l++) (levels[l], order[l]) = (Levels[((first + l) * Lanes) + lane], l);
        levels[..count].Sort(order[..count]);
        Span<float> renamed = stackalloc float[9];
        for (int l = 0; l < count; l++)
        {
            Levels[((first + l) * Lanes) + lane] = levels[l];
            renamed[order[l] + 1] = l + 1;
        }

        for (int j = 0; j < columns; j++)
        {
            ref float code = ref Code[(j * Lanes) + lane];
            if (isSalient[j] == salient) code = MathF.CopySign(renamed[(int)MathF.Abs(code)], code);
        }
    }

    /// <summary>Codes one by one, each by its exact effect on r·G·rᵀ while all others stay.</summary>
    /// <param name="sweeps">Passes over the columns.</param>
    /// <param name="swaps">Whether a kept and a left-out weight of a run may change places.</param>
    /// <param name="firstColumn">Column of the matrix where the block starts.</param>
    public void Descend(int sweeps, bool swaps = false, int firstColumn = 0)
    {
        Reconstruct();
        for (int j = 0; j < columns; j++) (At(X, j) - At(Q, j)).CopyTo(residual.AsSpan(j * Lanes));
        Multiply(residual, metric.G.View, gradient);
        Vector512<float> mu = Vector512.Create<float>(Mu);
        for (int sweep = 0; sweep < sweeps; sweep++)
        {
            bool hasChanged = false;
            for (int j = 0; j < columns; j++)
            {
                ReadOnlySpan<float> g = metric.G.Row(j);
                if (g[j] <= 0) continue;
                Vector512<float> old = At(Q, j);
                Vector512<float> q = Nearest(j, old + (At(gradient, j) / g[j]), mu, out Vector512<float> code);
                Vector512<float> change = q - old;
                if (Vector512.EqualsAll(change, Vector512<float>.Zero)) continue;
                hasChanged = true;
                q.CopyTo(Q.AsSpan(j * Lanes));
                code.CopyTo(Code.AsSpan(j * Lanes));
                SubtractOuter(change, g, gradient);
            }

            if (swaps) hasChanged |= SwapRuns(firstColumn, mu);
            if (!hasChanged) break;
        }
    }

    /// <summary>In every run and row, the exchange of a kept for a left-out weight that lowers r·G·rᵀ most, if any does.</summary>
    private bool SwapRuns(int firstColumn, Vector512<float> mu)
    {
        int m = shape.Pattern!.Value.M;
        bool hasChanged = false;
        for (int start = (m - (firstColumn % m)) % m; start < columns; start += m)
            hasChanged |= SwapRun(start, Math.Min(m, columns - start), mu);
        return hasChanged;
    }

    private bool SwapRun(int start, int width, Vector512<float> mu)
    {
        Span<float> change = stackalloc float[NOfM.LargestRun * Lanes];
        Span<float> effect = stackalloc float[NOfM.LargestRun * Lanes];
        for (int k = 0; k < width; k++)
        {
            int j = start + k;
            float g = metric.G[j, j];
            Vector512<float> slope = At(gradient, j);
            Vector512<float> isKept = Vector512.GreaterThan(At(Keep, j), Vector512<float>.Zero);
            Vector512<float> entering = g > 0 ? NearestKept(j, slope / g, mu, out _) : Vector512<float>.Zero;
            Vector512<float> c = Vector512.ConditionalSelect(isKept, -At(Q, j), entering);
            c.CopyTo(change[(k * Lanes)..]);
            (((g * c) - (slope + slope)) * c).CopyTo(effect[(k * Lanes)..]);
        }

        // best[lane]: the pair (leaving, entering) of least effect below zero
        Vector512<float> best = Vector512<float>.Zero;
        Vector512<float> leaving = Vector512.Create(-1f);
        Vector512<float> entered = Vector512.Create(-1f);
        for (int a = 0; a < width; a++)
        {
            Vector512<float> keepA = At(Keep, start + a);
            for (int b = 0; b < width; b++)
            {
                if (a == b || metric.Weight[start + b] == 0) continue; // dead columns stay out
                Vector512<float> isPair = Vector512.GreaterThan(keepA - At(Keep, start + b), Vector512.Create(0.5f));
                Vector512<float> total = At(effect, a) + At(effect, b) + (2 * metric.G[start + a, start + b] * At(change, a) * At(change, b));
                Vector512<float> isBetter = isPair & Vector512.LessThan(total, best);
                best = Vector512.ConditionalSelect(isBetter, total, best);
                leaving = Vector512.ConditionalSelect(isBetter, Vector512.Create((float)a), leaving);
                entered = Vector512.ConditionalSelect(isBetter, Vector512.Create((float)b), entered);
            }
        }

        if (Vector512.EqualsAll(best, Vector512<float>.Zero)) return false;
        for (int k = 0; k < width; k++)
        {
            int j = start + k;
            Vector512<float> number = Vector512.Create((float)k);
            Vector512<float> leaves = Vector512.Equals(leaving, number);
            Vector512<float> enters = Vector512.Equals(entered, number);
            Vector512<float> moves = leaves | enters;
            if (Vector512.EqualsAll(moves.AsInt32(), Vector512<int>.Zero)) continue;
            NearestKept(j, metric.G[j, j] > 0 ? At(gradient, j) / metric.G[j, j] : Vector512<float>.Zero, mu, out Vector512<float> code);
            Vector512<float> c = Vector512.ConditionalSelect(moves, At(change, k), Vector512<float>.Zero);
            (At(Q, j) + c).CopyTo(Q.AsSpan(j * Lanes));
            Vector512.ConditionalSelect(enters, code, Vector512.ConditionalSelect(leaves, Vector512<float>.Zero, At(Code, j))).CopyTo(Code.AsSpan(j * Lanes));
            Vector512.ConditionalSelect(enters, Vector512<float>.One, Vector512.ConditionalSelect(leaves, Vector512<float>.Zero, At(Keep, j))).CopyTo(Keep.AsSpan(j * Lanes));
            SubtractOuter(c, metric.G.Row(j), gradient);
        }

        return true;
    }

    /// <summary>Q from codes and levels.</summary>
    private void Reconstruct()
    {
        Vector512<float> mu = Vector512.Create<float>(Mu);
        for (int j = 0; j < columns; j++)
        {
            (int first, int count) = LevelsOf(j);
            Vector512<float> code = At(Code, j);
            Vector512<float> number = Vector512.Abs(code);
            Vector512<float> magnitude = default;
            for (int l = 0; l < count; l++)
                magnitude = Vector512.ConditionalSelect(Vector512.Equals(number, Vector512.Create(l + 1f)), Level(j, first, l), magnitude);
            ((mu + WithSign(magnitude, code)) * At(Keep, j)).CopyTo(Q.AsSpan(j * Lanes));
        }
    }

    /// <summary>The magnitudes of a column's kind.</summary>
    private (int First, int Count) LevelsOf(int j)
        => isSalient[j] ? (0, shape.SalientLevels) : (shape.SalientLevels, shape.PlainGroups);

    /// <summary>Magnitude l of a column's kind.</summary>
    private Vector512<float> Level(int j, int first, int l) => At(Levels, first + l) * beta[j];

    private Vector512<float> Nearest(int j, Vector512<float> v, Vector512<float> mu, out Vector512<float> code)
    {
        Vector512<float> keep = At(Keep, j);
        Vector512<float> value = NearestKept(j, v, mu, out code);
        code *= keep;
        return value * keep;
    }

    private Vector512<float> NearestKept(int j, Vector512<float> v, Vector512<float> mu, out Vector512<float> code)
    {
        (int first, int count) = LevelsOf(j);
        Vector512<float> side = v - mu;
        Vector512<float> size = Vector512.Abs(side);
        Vector512<float> best = Level(j, first, 0);
        Vector512<float> distance = Vector512.Abs(size - best);
        Vector512<float> number = Vector512<float>.One;
        for (int l = 1; l < count; l++)
        {
            Vector512<float> level = Level(j, first, l);
            Vector512<float> other = Vector512.Abs(size - level);
            Vector512<float> isNearer = Vector512.LessThan(other, distance);
            best = Vector512.ConditionalSelect(isNearer, level, best);
            distance = Vector512.ConditionalSelect(isNearer, other, distance);
            number = Vector512.ConditionalSelect(isNearer, Vector512.Create(l + 1f), number);
        }

        code = WithSign(number, side);
        return mu + WithSign(best, side);
    }

    /// <summary>Keeps those weights of a run whose loss would raise the error most: (v² − (v − level)²)/d².</summary>
    private void SelectRun(int start, int kept, ReadOnlySpan<float> current, Vector512<float> mu)
    {
        int width = Math.Min(shape.Pattern!.Value.M, columns - start);
        Span<float> score = stackalloc float[NOfM.LargestRun * Lanes];
        for (int k = 0; k < width; k++)
        {
            int j = start + k;
            Vector512<float>.One.CopyTo(Keep.AsSpan(j * Lanes));
            Vector512<float> v = At(current, j);
            Vector512<float> miss = v - Nearest(j, v, mu, out _);
            Vector512<float> gain = metric.Weight[j] > 0 ? ((v * v) - (miss * miss)) * metric.Weight[j] : Vector512.Create(float.NegativeInfinity);
            gain.CopyTo(score[(k * Lanes)..]);
        }

        for (int k = 0; k < width; k++)
        {
            // Rank of each weight among its run; the earlier one wins a tie.
            Vector512<float> own = At(score, k);
            Vector512<float> rank = default;
            for (int other = 0; other < width; other++)
            {
                if (other == k) continue;
                Vector512<float> isAbove = other < k ? Vector512.GreaterThanOrEqual(At(score, other), own) : Vector512.GreaterThan(At(score, other), own);
                rank += Vector512.ConditionalSelect(isAbove, Vector512<float>.One, Vector512<float>.Zero);
            }

            Vector512<float> isKept = Vector512.LessThan(rank, Vector512.Create((float)kept));
            Vector512.ConditionalSelect(isKept, Vector512<float>.One, Vector512<float>.Zero).CopyTo(Keep.AsSpan((start + k) * Lanes));
        }
    }

    private void InitializeKind(bool salient, int first, int count, Vector512<float> mu)
    {
        Vector512<float> mass = default;
        Vector512<float> power = default;
        for (int j = 0; j < columns; j++)
        {
            if (isSalient[j] != salient) continue;
            Vector512<float> weight = At(Keep, j) * metric.Weight[j];
            Vector512<float> x = Scaled(j, mu);
            mass += weight;
            power = Vector512.FusedMultiplyAdd(weight, x * x, power);
        }

        Vector512<float> spread = Vector512.Sqrt(Quotient(power, mass, Vector512<float>.Zero));
        for (int l = 0; l < count; l++) (spread * GaussianLevels[count][l]).CopyTo(Levels.AsSpan((first + l) * Lanes));
        for (int step = 0; step < 4; step++) LloydStep(salient, first, count, mu);
    }

    private void LloydStep(bool salient, int first, int count, Vector512<float> mu)
    {
        Span<float> sums = stackalloc float[2 * 8 * Lanes];
        sums.Clear();
        for (int j = 0; j < columns; j++)
        {
            if (isSalient[j] != salient) continue;
            Nearest(j, At(X, j), mu, out Vector512<float> code);
            Vector512<float> weight = At(Keep, j) * metric.Weight[j];
            Vector512<float> number = Vector512.Abs(code);
            Vector512<float> size = Vector512.Abs(Scaled(j, mu));
            for (int l = 0; l < count; l++)
            {
                Vector512<float> own = Vector512.ConditionalSelect(Vector512.Equals(number, Vector512.Create(l + 1f)), weight, Vector512<float>.Zero);
                (At(sums, l) + own).CopyTo(sums[(l * Lanes)..]);
                Vector512.FusedMultiplyAdd(own, size, At(sums, 8 + l)).CopyTo(sums[((8 + l) * Lanes)..]);
            }
        }

        for (int l = 0; l < count; l++) Quotient(At(sums, 8 + l), At(sums, l), At(Levels, first + l)).CopyTo(Levels.AsSpan((first + l) * Lanes));
    }

    /// <summary>(x − μ)/β.</summary>
    private Vector512<float> Scaled(int j, Vector512<float> mu) => (At(X, j) - mu) / beta[j];

    private void FillBasis(int b, Span<float> destination)
    {
        bool isMean = b == shape.Levels;
        for (int j = 0; j < columns; j++)
        {
            (int first, int count) = LevelsOf(j);
            Vector512<float> value = default;
            if (isMean)
            {
                value = At(Keep, j);
            }
            else if (b >= first && b < first + count)
            {
                Vector512<float> code = At(Code, j);
                Vector512<float> isOwn = Vector512.Equals(Vector512.Abs(code), Vector512.Create(b - first + 1f));
                value = Vector512.ConditionalSelect(isOwn, WithSign(Vector512.Create(beta[j]), code), Vector512<float>.Zero);
            }

            value.CopyTo(destination[(j * Lanes)..]);
        }
    }

    private static Vector512<float> At(ReadOnlySpan<float> tile, int j) => Vector512.Create(tile.Slice(j * Lanes, Lanes));

    private static Vector512<float> WithSign(Vector512<float> magnitude, Vector512<float> sign)
        => magnitude | (sign & Vector512.Create(-0f));

    private static Vector512<float> Quotient(Vector512<float> a, Vector512<float> b, Vector512<float> fallback)
        => Vector512.ConditionalSelect(Vector512.GreaterThan(b, Vector512<float>.Zero), a / b, fallback);

    private Vector512<float> Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Vector512<float> sum = default;
        for (int j = 0; j < columns; j++) sum = Vector512.FusedMultiplyAdd(At(a, j), At(b, j), sum);
        return sum;
    }
}
