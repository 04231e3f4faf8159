using System.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>The values of one row in ascending order with prefix sums, from which the error of a group bounded by magnitudes follows without visiting its members.</summary>
/// <remarks>
/// A group of all x with p ≤ |x| &lt; q is two runs of the order. With prefix sums of ω and ωx, S₀ and S₁ of a run are two subtractions, and
/// Σω|x − m| over it needs only the place of m in the order.
/// </remarks>
internal sealed class SortedRow
{
    /// <summary>[count], ascending.</summary>
    private readonly double[] x;

    /// <summary>[count + 1]; element i sums ω of the values before place i.</summary>
    private readonly double[] mass;

    /// <summary>[count + 1]; element i sums ωx of the values before place i.</summary>
    private readonly double[] sum;

    private SortedRow(int columns)
    {
        x = new double[columns];
        mass = new double[columns + 1];
        sum = new double[columns + 1];
    }

    /// <summary>Number of values.</summary>
    public int Count { get; private set; }

    /// <summary>Number of values below zero.</summary>
    public int Negative { get; private set; }

    /// <summary>Σωx².</summary>
    public double Energy { get; private set; }

    /// <summary>Moves a place of a negative bound −p outward: the number of values ≤ −p, from a place for a smaller p.</summary>
    public int MoveDown(int place, double p)
    {
        while (place > 0 && x[place - 1] > -p) place--;
        return place;
    }

    /// <summary>Moves a place of a bound p outward: the number of values &lt; p, from a place for a smaller p.</summary>
    public int MoveUp(int place, double p)
    {
        while (place < Count && x[place] < p) place++;
        return place;
    }

    /// <summary>What the planes of a group take off Σωx².</summary>
    /// <param name="runs">The group.</param>
    /// <param name="planes">1 or 2.</param>
    /// <param name="hasMeans">Whether planes have means.</param>
    /// <param name="hint">Where the group's mean was last found; updated.</param>
    public double Gain(Runs runs, int planes, bool hasMeans, ref int hint)
    {
        double s0 = mass[runs.LowEnd] - mass[runs.LowStart] + (mass[runs.HighEnd] - mass[runs.HighStart]);
        if (!(s0 > 0)) return 0;
        double s1 = sum[runs.LowEnd] - sum[runs.LowStart] + (sum[runs.HighEnd] - sum[runs.HighStart]);
        double share = 1 / s0;
        double mu = hasMeans ? s1 * share : 0;
        hint = PlaceOf(mu, hint);
        (double mass0, double sum0) = Below(runs, hint);
        double deviation = s1 - (mu * s0) + (2 * ((mu * mass0) - sum0));
        double alpha = deviation * share;
        double gain = (mu * s1) + (deviation * alpha);
        if (planes == 1) return gain;

        // The residual is x − μ + α below μ and x − μ − α from there on; its mean is μ₂.
        double second = hasMeans ? alpha * ((2 * mass0) - s0) * share : 0;
        double below = mu + second - alpha;
        double above = mu + second + alpha;
        (double massBelow, double sumBelow) = Below(runs, PlaceOf(below, hint));
        (double massAbove, double sumAbove) = Below(runs, PlaceOf(above, hint));
        double rest = sum0 - (below * mass0) + (2 * ((below * massBelow) - sumBelow))
            + (s1 - sum0) - (above * (s0 - mass0)) + (2 * ((above * (massAbove - mass0)) - (sumAbove - sum0)));
        return gain + (s0 * second * second) + (rest * rest * share);
    }

    /// <summary>Number of values below <paramref name="value"/>, searched step by step from a hint.</summary>
    private int PlaceOf(double value, int hint)
    {
        int place = Math.Min(hint, Count);
        while (place > 0 && x[place - 1] >= value) place--;
        while (place < Count && x[place] < value) place++;
        return place;
    }

    /// <summary>Σω and Σωx over the members of a group before a place.</summary>
    private (double Mass, double Sum) Below(Runs runs, int place)
    {
        int low = Math.Clamp(place, runs.LowStart, runs.LowEnd);
        int high = Math.Clamp(place, runs.HighStart, runs.HighEnd);
        return (mass[low] - mass[runs.LowStart] + (mass[high] - mass[runs.HighStart]), sum[low] - sum[runs.LowStart] + (sum[high] - sum[runs.HighStart]));
    }

    /// <summary>Two runs of places, [start, end) each: the members of a group below and above zero.</summary>
    internal readonly record struct Runs(int LowStart, int LowEnd, int HighStart, int HighEnd);

    /// <summary>Loads rows as many at once as a vector has lanes: they are sorted together.</summary>
    internal sealed class Loader
    {
        /// <summary>A float widened to double leaves 29 bits free, which carry the column.</summary>
        private const long ColumnMask = (1L << 29) - 1;

        [ThreadStatic]
        private static Loader? ofThread;

        private readonly int columns;
        private readonly Vector<double>[] keys;
        private readonly double[] line = new double[Rows];
        private readonly double[] sorted;

        private Loader(int columns)
        {
            this.columns = columns;
            keys = new Vector<double>[columns];
            sorted = new double[columns * Rows];
            Row = new SortedRow(columns);
        }

        /// <summary>Rows at once.</summary>
        public static int Rows => Vector<double>.Count;

        /// <summary>The row that <see cref="Take"/> made.</summary>
        public SortedRow Row { get; }

        public static Loader ForThread(int columns)
        {
            if (ofThread is null || ofThread.columns != columns) ofThread = new Loader(columns);
            return ofThread;
        }

        /// <summary>Sorts rows [firstRow, firstRow + rows).</summary>
        /// <param name="S">The matrix.</param>
        /// <param name="firstRow">First row.</param>
        /// <param name="rows">At most <see cref="Rows"/>.</param>
        /// <param name="included">Columns that take part.</param>
        public void Load(SearchMatrix S, int firstRow, int rows, ReadOnlySpan<int> included)
        {
            Span<Vector<double>> used = keys.AsSpan(0, included.Length);
            line.AsSpan().Clear();
            for (int k = 0; k < used.Length; k++)
            {
                int j = included[k];
                for (int r = 0; r < rows; r++)
                {
                    // j + 1: no key is an exact zero.
                    long bits = BitConverter.DoubleToInt64Bits(S.Values[firstRow + r, j]) | (uint)(j + 1);
                    line[r] = S.IsKept(firstRow + r, j) ? BitConverter.Int64BitsToDouble(bits) : double.PositiveInfinity;
                }

                used[k] = new Vector<double>(line);
            }

            LaneSort.Sort(used);
            for (int k = 0; k < used.Length; k++) used[k].CopyTo(sorted, k * Rows);
        }

        /// <summary>Makes <see cref="Row"/> row <paramref name="r"/> of those last loaded.</summary>
        public void Take(SearchMatrix S, int r, int included)
        {
            SortedRow row = Row;
            int count = 0;
            int negative = 0;
            double energy = 0;
            double mass = 0;
            double sum = 0;
            for (; count < included; count++)
            {
                double key = sorted[(count * Rows) + r];
                if (double.IsPositiveInfinity(key)) break;
                long bits = BitConverter.DoubleToInt64Bits(key);
                double omega = S.Omega[(int)(bits & ColumnMask) - 1];
                double x = BitConverter.Int64BitsToDouble(bits & ~ColumnMask);
                row.x[count] = x;
                if (x < 0) negative++;
                mass += omega;
                sum += omega * x;
                energy += omega * (x * x);
                row.mass[count + 1] = mass;
                row.sum[count + 1] = sum;
            }

            (row.Count, row.Negative, row.Energy) = (count, negative, energy);
        }
    }
}
