using System.Numerics;
using System.Runtime.Intrinsics;

namespace Halfbit.Quantization.Steps;

/// <summary>The values of one row in ascending order with prefix sums, from which the error of a group bounded by magnitudes follows without visiting its members.</summary>
/// <remarks>
/// A group of all x with p ≤ |x| &lt; q is two runs of the order. With prefix sums of ω and ωx, S₀ and S₁ of a run are two subtractions, and
/// Σω|x − m| over it needs only the place of m in the order.
/// </remarks>
internal sealed class SortedRow
{
    private const int Padding = 4;

    /// <summary>Ascending, after four times −∞ and before four times +∞: the value at place i is element i + 4.</summary>
    private readonly double[] x;

    /// <summary>[count + 1]; element i sums over the values before place i.</summary>
    private readonly Moments[] before;

    private SortedRow(int columns)
    {
        x = new double[columns + (2 * Padding)];
        x.AsSpan(0, Padding).Fill(double.NegativeInfinity);
        before = new Moments[columns + 1];
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
        // Four values are compared at once: how far a place moves is hard to predict, whether it moves further than that is not.
        place -= CountSet(Vector256.GreaterThan(Four(place - 4), Vector256.Create(-p)));
        while (Before(place) > -p) place--;
        return place;
    }

    /// <summary>Moves a place of a bound p outward: the number of values &lt; p, from a place for a smaller p.</summary>
    public int MoveUp(int place, double p)
    {
        place += CountSet(Vector256.LessThan(Four(place), Vector256.Create(p)));
        while (At(place) < p) place++;
        return place;
    }

    /// <summary>What the planes of a group take off Σωx².</summary>
    /// <param name="runs">The group.</param>
    /// <param name="planes">1 or 2.</param>
    /// <param name="hasMeans">Whether planes have means.</param>
    /// <param name="hint">Where the group's mean was last found; updated.</param>
    public double Gain(Runs runs, int planes, bool hasMeans, ref int hint)
    {
        Moments start = before[runs.LowStart];
        Moments middle = before[runs.LowEnd];
        Moments all = (middle - start) + (before[runs.HighEnd] - before[runs.HighStart]);
        if (!(all.Mass > 0)) return 0;
        double share = 1 / all.Mass;
        double mu = hasMeans ? all.Sum * share : 0;

        // A mean between the two runs parts them; otherwise it is near where it was for the last candidate.
        bool isBetween = Before(runs.LowEnd) < mu && At(runs.HighStart) >= mu;
        if (!isBetween) hint = PlaceOf(mu, hint);
        Moments lower = isBetween ? middle - start : Below(runs, hint);
        double deviation = all.Sum - (mu * all.Mass) + (2 * ((mu * lower.Mass) - lower.Sum));
        double alpha = deviation * share;
        double gain = (mu * all.Sum) + (deviation * alpha);
        return planes == 1 ? gain : gain + ResidualGain(runs, all, lower, share, mu, alpha, hasMeans, isBetween ? runs.LowEnd : hint);
    }

    /// <summary>What the second plane takes off: the residual is x − μ + α below μ and x − μ − α from there on; its mean is μ₂.</summary>
    private double ResidualGain(Runs runs, Moments all, Moments lower, double share, double mu, double alpha, bool hasMeans, int place)
    {
        double second = hasMeans ? alpha * ((2 * lower.Mass) - all.Mass) * share : 0;
        double below = mu + second - alpha;
        double above = mu + second + alpha;
        Moments belowLower = Below(runs, PlaceOf(below, place));
        Moments upper = all - lower;
        Moments belowUpper = Below(runs, PlaceOf(above, place)) - lower;
        double rest = lower.Sum - (below * lower.Mass) + (2 * ((below * belowLower.Mass) - belowLower.Sum))
            + upper.Sum - (above * upper.Mass) + (2 * ((above * belowUpper.Mass) - belowUpper.Sum));
        return (all.Mass * second * second) + (rest * rest * share);
    }

    /// <summary>Number of values below <paramref name="value"/>, searched step by step from a hint.</summary>
    private int PlaceOf(double value, int hint)
    {
        Vector256<double> sought = Vector256.Create(value);
        int place = hint - 4 + CountSet(Vector256.LessThan(Four(hint - 4), sought)) + CountSet(Vector256.LessThan(Four(hint), sought));
        while (Before(place) >= value) place--;
        while (At(place) < value) place++;
        return place;
    }

    /// <summary>The value at a place; +∞ from <see cref="Count"/> on.</summary>
    private double At(int place) => x[place + Padding];

    /// <summary>The value before a place; −∞ for place 0.</summary>
    private double Before(int place) => x[place + Padding - 1];

    /// <summary>The values at four places from −4 to <see cref="Count"/> + 3.</summary>
    private Vector256<double> Four(int place) => Vector256.Create<double>(x.AsSpan(place + Padding, 4));

    private static int CountSet(Vector256<double> mask) => BitOperations.PopCount(mask.ExtractMostSignificantBits());

    /// <summary>Sums over the members of a group before a place.</summary>
    private Moments Below(Runs runs, int place)
        => (before[Math.Clamp(place, runs.LowStart, runs.LowEnd)] - before[runs.LowStart])
            + (before[Math.Clamp(place, runs.HighStart, runs.HighEnd)] - before[runs.HighStart]);

    /// <summary>Two runs of places, [start, end) each: the members of a group below and above zero.</summary>
    internal readonly record struct Runs(int LowStart, int LowEnd, int HighStart, int HighEnd);

    /// <summary>Σω and Σωx of a set of values.</summary>
    private readonly record struct Moments(double Mass, double Sum)
    {
        public static Moments operator +(Moments a, Moments b) => new(a.Mass + b.Mass, a.Sum + b.Sum);

        public static Moments operator -(Moments a, Moments b) => new(a.Mass - b.Mass, a.Sum - b.Sum);
    }

    /// <summary>Loads rows as many at once as a vector has lanes: they are sorted together.</summary>
    internal sealed class Loader
    {
        /// <summary>A float widened to double leaves 29 bits free, which carry the column.</summary>
        private const long ColumnMask = (1L << 29) - 1;

        [ThreadStatic]
        private static Loader? ofThread;

        private readonly int columns;
        private readonly Vector<double>[] keys;
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
            for (int r = 0; r < rows; r++)
            {
                ReadOnlySpan<float> row = S.Values.Row(firstRow + r);
                for (int k = 0; k < included.Length; k++)
                {
                    // j + 1: no key is an exact zero.
                    int j = included[k];
                    long bits = BitConverter.DoubleToInt64Bits(row[j]) | (uint)(j + 1);
                    sorted[(k * Rows) + r] = S.IsKept(firstRow + r, j) ? BitConverter.Int64BitsToDouble(bits) : double.PositiveInfinity;
                }
            }

            for (int k = 0; k < used.Length; k++) used[k] = new Vector<double>(sorted, k * Rows);
            LaneSort.Sort(used);
            for (int k = 0; k < used.Length; k++) used[k].CopyTo(sorted, k * Rows);
        }

        /// <summary>Makes <see cref="Row"/> row <paramref name="r"/> of those last loaded.</summary>
        public void Take(SearchMatrix S, int r, int included)
        {
            SortedRow row = Row;
            ReadOnlySpan<double> omega = S.Omega;
            int count = 0;
            int negative = 0;
            double energy = 0;
            var total = default(Moments);
            for (; count < included; count++)
            {
                double key = sorted[(count * Rows) + r];
                if (double.IsPositiveInfinity(key)) break;
                long bits = BitConverter.DoubleToInt64Bits(key);
                double x = BitConverter.Int64BitsToDouble(bits & ~ColumnMask);
                double weighted = omega[(int)(bits & ColumnMask) - 1] * x;
                row.x[count + Padding] = x;
                negative += x < 0 ? 1 : 0;
                energy += weighted * x;
                total += new Moments(omega[(int)(bits & ColumnMask) - 1], weighted);
                row.before[count + 1] = total;
            }

            row.x.AsSpan(count + Padding, Padding).Fill(double.PositiveInfinity);
            (row.Count, row.Negative, row.Energy) = (count, negative, energy);
        }
    }
}
