using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>What a search for salient columns found.</summary>
/// <param name="IsSalient">[w].</param>
/// <param name="Count">Number of salient columns k.</param>
/// <param name="Fewest">Smallest k that was tried.</param>
/// <param name="Errors">[k − Fewest], Σω(S − Ŝ)² over the block for every k; the search takes its first minimum.</param>
internal sealed record SalientColumns(bool[] IsSalient, int Count, int Fewest, double[] Errors)
{
    /// <summary>The least error.</summary>
    public double Error => Errors[Count - Fewest];
}

/// <summary>
/// How many columns of a block are salient: columns in descending order of their scores; for every number k, the first k and the rest are each binarized with
/// two planes per row, and the k of least squared error wins (BiLLM, arXiv 2402.04291; also STBLLM and ARB-LLM).
/// </summary>
/// <remarks>
/// Both parts have two planes here although the rest gets one later: as in the released programs, a proxy. Lanes hold rows: each row sees the same operations at any
/// vector width. With S₀ = Σω, S₁ = Σωx of a set, μ = S₁/S₀ and D = Σω|x − μ|, one plane takes S₁μ + D²/S₀ off Σωx². Its residual is x − μ ∓ α, α = D/S₀:
/// the second plane's mean μ₂ follows from the number of signs, and D₂ = Σω|x − μ − μ₂ ∓ α| takes off another S₀μ₂² + D₂²/S₀. So a set costs two passes without any branch,
/// and the sums S₀, S₁ of the first k columns are prefix sums.
/// </remarks>
internal static class SalientColumnSearch
{
    /// <summary>Most salient columns of a block in the released programs, which score 50 columns and try all but the last.</summary>
    public const int Most = 49;

    private const int ChunkRows = 64;

    /// <summary>Finds the salient columns.</summary>
    /// <param name="S">[rows, w].</param>
    /// <param name="scores">[w]; columns become salient in descending order, ties by lower index. <see cref="SearchMatrix.ColumnSums"/> in the released programs.</param>
    /// <param name="fewest">Smallest k tried, ≥ 0; 1 in the released programs.</param>
    /// <param name="most">Largest k tried, at most w.</param>
    /// <param name="hasMeans">Whether planes have means.</param>
    public static SalientColumns Find(SearchMatrix S, ReadOnlySpan<double> scores, int fewest, int most, bool hasMeans = true)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, S.Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, fewest);
        int[] order = Descending(scores);
        double[] errors = Errors(S, order, fewest, most, hasMeans);
        int best = 0;
        for (int k = 1; k < errors.Length; k++)
        {
            if (errors[k] < errors[best]) best = k;
        }

        var isSalient = new bool[S.Columns];
        for (int k = 0; k < fewest + best; k++) isSalient[order[k]] = true;
        return new SalientColumns(isSalient, fewest + best, fewest, errors);
    }

    /// <summary>Indices in descending order of their scores; ties by lower index.</summary>
    private static int[] Descending(ReadOnlySpan<double> scores)
    {
        var order = new int[scores.Length];
        var keys = new double[scores.Length];
        for (int j = 0; j < order.Length; j++) (order[j], keys[j]) = (j, scores[j]);
        Array.Sort(order, (a, b) => keys[a] != keys[b] ? keys[b].CompareTo(keys[a]) : a.CompareTo(b));
        return order;
    }

    private static double[] Errors(SearchMatrix S, int[] order, int fewest, int most, bool hasMeans)
    {
        int tried = most - fewest + 1;
        int chunks = ((S.Rows - 1) / ChunkRows) + 1;
        var ofChunk = new double[chunks * tried];
        RowParallel.For(S.Rows, ChunkRows, (start, end) =>
        {
            RowLanes lanes = RowLanes.ForThread(S.Columns);
            Span<double> gain = stackalloc double[RowLanes.Rows];
            Span<double> sums = ofChunk.AsSpan(start / ChunkRows * tried, tried);
            for (int row = start; row < end; row += RowLanes.Rows)
            {
                int rows = Math.Min(RowLanes.Rows, end - row);
                lanes.Load(S, row, rows, order);
                for (int k = 0; k < tried; k++)
                {
                    lanes.TwoPlaneGain(fewest + k, hasMeans, gain);
                    for (int r = 0; r < rows; r++) sums[k] += lanes.Energy(r) - gain[r];
                }
            }
        });
        var errors = new double[tried];
        for (int c = 0; c < chunks; c++)
        {
            for (int k = 0; k < tried; k++) errors[k] += ofChunk[(c * tried) + k];
        }

        return errors;
    }

    /// <summary>Some rows of a block, one per lane, columns in the order in which they become salient.</summary>
    private sealed class RowLanes(int columns)
    {
        [ThreadStatic]
        private static RowLanes? ofThread;

        private readonly Vector<double>[] x = new Vector<double>[2 * columns];
        private readonly Vector<double>[] omega = new Vector<double>[2 * columns];
        private readonly Vector<double>[] mass = new Vector<double>[2 * (columns + 1)];
        private readonly Vector<double>[] sum = new Vector<double>[2 * (columns + 1)];
        private readonly double[] energy = new double[Rows];
        private readonly double[] line = new double[2 * Rows];

        /// <summary>Rows at once: two vectors, so that two independent sums run side by side.</summary>
        public static int Rows => 2 * Vector<double>.Count;

        public static RowLanes ForThread(int columns)
        {
            if (ofThread is null || ofThread.Columns != columns) ofThread = new RowLanes(columns);
            return ofThread;
        }

        private int Columns => columns;

        /// <summary>Σωx² of a row.</summary>
        public double Energy(int r) => energy[r];

        public void Load(SearchMatrix S, int firstRow, int rows, ReadOnlySpan<int> order)
        {
            int half = Vector<double>.Count;
            Span<double> values = line.AsSpan(0, Rows);
            Span<double> weights = line.AsSpan(Rows);
            energy.AsSpan().Clear();
            line.AsSpan().Clear();
            for (int k = 0; k < order.Length; k++)
            {
                int j = order[k];
                for (int r = 0; r < rows; r++)
                {
                    double value = S.Values[firstRow + r, j];
                    double o = S.IsKept(firstRow + r, j) ? S.Omega[j] : 0;
                    values[r] = value;
                    weights[r] = o;
                    energy[r] += o * (value * value);
                }

                for (int h = 0; h < 2; h++)
                {
                    int at = (2 * k) + h;
                    x[at] = new Vector<double>(values[(h * half)..]);
                    omega[at] = new Vector<double>(weights[(h * half)..]);
                    mass[at + 2] = mass[at] + omega[at];
                    sum[at + 2] = sum[at] + (omega[at] * x[at]);
                }
            }
        }

        /// <summary>What two planes for the first k columns and two for the rest take off Σωx², per row.</summary>
        public void TwoPlaneGain(int k, bool hasMeans, Span<double> gain)
        {
            int last = 2 * columns;
            (Vector<double> first0, Vector<double> first1) = Gain(0, k, mass[2 * k], mass[(2 * k) + 1], sum[2 * k], sum[(2 * k) + 1], hasMeans);
            (Vector<double> rest0, Vector<double> rest1) = Gain(
                k, columns, mass[last] - mass[2 * k], mass[last + 1] - mass[(2 * k) + 1], sum[last] - sum[2 * k], sum[last + 1] - sum[(2 * k) + 1], hasMeans);
            (first0 + rest0).CopyTo(gain);
            (first1 + rest1).CopyTo(gain[Vector<double>.Count..]);
        }

        private (Vector<double> Low, Vector<double> High) Gain(
            int start, int end, Vector<double> mass0, Vector<double> mass1, Vector<double> sum0, Vector<double> sum1, bool hasMeans)
        {
            ReadOnlySpan<Vector<double>> values = x.AsSpan(2 * start, 2 * (end - start));
            ReadOnlySpan<Vector<double>> weights = omega.AsSpan(2 * start, values.Length);
            Vector<double> share0 = Reciprocal(mass0);
            Vector<double> share1 = Reciprocal(mass1);
            Vector<double> mu0 = hasMeans ? sum0 * share0 : Vector<double>.Zero;
            Vector<double> mu1 = hasMeans ? sum1 * share1 : Vector<double>.Zero;
            Vector<double> deviation0 = Vector<double>.Zero;
            Vector<double> deviation1 = Vector<double>.Zero;
            Vector<double> upper0 = Vector<double>.Zero;
            Vector<double> upper1 = Vector<double>.Zero;
            for (int j = 0; j + 1 < values.Length && j + 1 < weights.Length; j += 2)
            {
                Vector<double> x0 = values[j];
                Vector<double> x1 = values[j + 1];
                Vector<double> w0 = weights[j];
                Vector<double> w1 = weights[j + 1];
                deviation0 += w0 * Vector.Abs(x0 - mu0);
                deviation1 += w1 * Vector.Abs(x1 - mu1);
                upper0 += Vector.AsVectorDouble(Vector.GreaterThanOrEqual(x0, mu0)) & w0;
                upper1 += Vector.AsVectorDouble(Vector.GreaterThanOrEqual(x1, mu1)) & w1;
            }

            Vector<double> alpha0 = deviation0 * share0;
            Vector<double> alpha1 = deviation1 * share1;
            Vector<double> second0 = hasMeans ? alpha0 * (mass0 - upper0 - upper0) * share0 : Vector<double>.Zero;
            Vector<double> second1 = hasMeans ? alpha1 * (mass1 - upper1 - upper1) * share1 : Vector<double>.Zero;
            Vector<double> below0 = mu0 + second0 - alpha0;
            Vector<double> below1 = mu1 + second1 - alpha1;
            Vector<double> above0 = mu0 + second0 + alpha0;
            Vector<double> above1 = mu1 + second1 + alpha1;
            Vector<double> rest0 = Vector<double>.Zero;
            Vector<double> rest1 = Vector<double>.Zero;
            for (int j = 0; j + 1 < values.Length && j + 1 < weights.Length; j += 2)
            {
                Vector<double> x0 = values[j];
                Vector<double> x1 = values[j + 1];
                rest0 += weights[j] * Vector.Abs(x0 - Vector.ConditionalSelect(Vector.GreaterThanOrEqual(x0, mu0), above0, below0));
                rest1 += weights[j + 1] * Vector.Abs(x1 - Vector.ConditionalSelect(Vector.GreaterThanOrEqual(x1, mu1), above1, below1));
            }

            return (
                (sum0 * mu0) + (deviation0 * alpha0) + (mass0 * second0 * second0) + (rest0 * rest0 * share0),
                (sum1 * mu1) + (deviation1 * alpha1) + (mass1 * second1 * second1) + (rest1 * rest1 * share1));
        }

        /// <summary>1/x, and 0 for 0: a set without weight explains nothing.</summary>
        private static Vector<double> Reciprocal(Vector<double> mass)
            => Vector.ConditionalSelect(Vector.GreaterThan(mass, Vector<double>.Zero), Vector<double>.One / mass, Vector<double>.Zero);
    }
}
