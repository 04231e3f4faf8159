using System.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>Some rows of a block, one per lane, columns in a given order: what two sign planes for the first k columns and two for the rest take off Σωx².</summary>
/// <remarks>
/// With S₀ = Σω, S₁ = Σωx of a set, μ = S₁/S₀ and D = Σω|x − μ|, one plane takes S₁μ + D²/S₀ off Σωx². Its residual is x − μ ∓ α, α = D/S₀: the second plane's
/// mean μ₂ follows from the mass of the signs, and D₂ = Σω|x − t|, t = μ + μ₂ ± α by the side of μ, takes off another S₀μ₂² + D₂²/S₀. Since |x − t| = 2·max(x, t) − x − t,
/// a set costs two passes of a few operations without any branch; S₀ and S₁ of the first k columns are prefix sums.
/// </remarks>
internal sealed class TwoPlaneLanes
{
    [ThreadStatic]
    private static TwoPlaneLanes? ofThread;

    private readonly int columns;
    private readonly Cell[] cells;
    private readonly Pair[] mass;
    private readonly Pair[] sum;
    private readonly double[] energy = new double[Rows];
    private readonly double[] lines;

    private TwoPlaneLanes(int columns)
    {
        this.columns = columns;
        cells = new Cell[columns];
        mass = new Pair[columns + 1];
        sum = new Pair[columns + 1];
        lines = new double[2 * columns * Rows];
    }

    /// <summary>Rows at once: two vectors, so that two independent sums run side by side.</summary>
    public static int Rows => 2 * Vector<double>.Count;

    /// <summary>The calling thread's lanes.</summary>
    public static TwoPlaneLanes ForThread(int columns)
    {
        if (ofThread is null || ofThread.columns != columns) ofThread = new TwoPlaneLanes(columns);
        return ofThread;
    }

    /// <summary>Σωx² of a row.</summary>
    public double Energy(int r) => energy[r];

    /// <summary>Loads rows [firstRow, firstRow + rows), at most <see cref="Rows"/>.</summary>
    public void Load(SearchMatrix S, int firstRow, int rows, ReadOnlySpan<int> order)
    {
        int width = Vector<double>.Count;
        Span<double> values = lines.AsSpan(0, columns * Rows);
        Span<double> weights = lines.AsSpan(columns * Rows);
        lines.AsSpan().Clear();
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<float> row = S.Values.Row(firstRow + r);
            double total = 0;
            for (int k = 0; k < order.Length; k++)
            {
                double value = row[order[k]];
                double o = S.IsKept(firstRow + r, order[k]) ? S.Omega[order[k]] : 0;
                values[(k * Rows) + r] = value;
                weights[(k * Rows) + r] = o;
                total += o * (value * value);
            }

            energy[r] = total;
        }

        for (int k = 0; k < columns; k++)
        {
            var x = new Pair(new Vector<double>(values[(k * Rows)..]), new Vector<double>(values[((k * Rows) + width)..]));
            var omega = new Pair(new Vector<double>(weights[(k * Rows)..]), new Vector<double>(weights[((k * Rows) + width)..]));
            cells[k] = new Cell(x, omega);
            mass[k + 1] = mass[k] + omega;
            sum[k + 1] = sum[k] + (omega * x);
        }
    }

    /// <summary>What two planes for the first k columns and two for the rest take off Σωx², per row.</summary>
    /// <param name="k">Columns of the first set.</param>
    /// <param name="hasMeans">Whether planes have means.</param>
    /// <param name="gain">[<see cref="Rows"/>].</param>
    public void TwoPlaneGain(int k, bool hasMeans, Span<double> gain)
    {
        Pair total = Gain(cells.AsSpan(0, k), mass[k], sum[k], hasMeans) + Gain(cells.AsSpan(k), mass[columns] - mass[k], sum[columns] - sum[k], hasMeans);
        total.Low.CopyTo(gain);
        total.High.CopyTo(gain[Vector<double>.Count..]);
    }

    private static Pair Gain(ReadOnlySpan<Cell> cells, Pair mass, Pair sum, bool hasMeans)
    {
        Pair share = Pair.Reciprocal(mass);
        Pair mu = hasMeans ? sum * share : default;

        // Σω·max(x, μ), and Σω over x ≥ μ.
        Vector<double> larger0 = Vector<double>.Zero;
        Vector<double> larger1 = Vector<double>.Zero;
        Vector<double> upper0 = Vector<double>.Zero;
        Vector<double> upper1 = Vector<double>.Zero;
        (Vector<double> mu0, Vector<double> mu1) = (mu.Low, mu.High);
        for (int j = 0; j < cells.Length; j++)
        {
            ref readonly Cell cell = ref cells[j];
            larger0 = Vector.FusedMultiplyAdd(cell.Omega.Low, Vector.MaxNative(cell.X.Low, mu0), larger0);
            larger1 = Vector.FusedMultiplyAdd(cell.Omega.High, Vector.MaxNative(cell.X.High, mu1), larger1);
            upper0 += Vector.AsVectorDouble(Vector.GreaterThanOrEqual(cell.X.Low, mu0)) & cell.Omega.Low;
            upper1 += Vector.AsVectorDouble(Vector.GreaterThanOrEqual(cell.X.High, mu1)) & cell.Omega.High;
        }

        var larger = new Pair(larger0, larger1);
        var upper = new Pair(upper0, upper1);
        Pair deviation = larger + larger - sum - (mu * mass);
        Pair alpha = deviation * share;
        Pair second = hasMeans ? alpha * (mass - upper - upper) * share : default;
        Pair below = mu + second - alpha;
        Pair above = mu + second + alpha;

        // Σω·max(x, t), t = above where x ≥ μ and below elsewhere.
        larger0 = Vector<double>.Zero;
        larger1 = Vector<double>.Zero;
        (Vector<double> below0, Vector<double> below1) = (below.Low, below.High);
        (Vector<double> above0, Vector<double> above1) = (above.Low, above.High);
        for (int j = 0; j < cells.Length; j++)
        {
            ref readonly Cell cell = ref cells[j];
            Vector<double> t0 = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(cell.X.Low, mu0), above0, below0);
            Vector<double> t1 = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(cell.X.High, mu1), above1, below1);
            larger0 = Vector.FusedMultiplyAdd(cell.Omega.Low, Vector.MaxNative(cell.X.Low, t0), larger0);
            larger1 = Vector.FusedMultiplyAdd(cell.Omega.High, Vector.MaxNative(cell.X.High, t1), larger1);
        }

        larger = new Pair(larger0, larger1);
        Pair rest = larger + larger - sum - (above * upper) - (below * (mass - upper));
        return (sum * mu) + (deviation * alpha) + (mass * second * second) + (rest * rest * share);
    }

    /// <summary>Two vectors of rows.</summary>
    private readonly record struct Pair(Vector<double> Low, Vector<double> High)
    {
        public static Pair operator +(Pair a, Pair b) => new(a.Low + b.Low, a.High + b.High);

        public static Pair operator -(Pair a, Pair b) => new(a.Low - b.Low, a.High - b.High);

        public static Pair operator *(Pair a, Pair b) => new(a.Low * b.Low, a.High * b.High);

        /// <summary>1/x, and 0 for 0: a set without weight explains nothing.</summary>
        public static Pair Reciprocal(Pair a) => new(Reciprocal(a.Low), Reciprocal(a.High));

        private static Vector<double> Reciprocal(Vector<double> a)
            => Vector.ConditionalSelect(Vector.GreaterThan(a, Vector<double>.Zero), Vector<double>.One / a, Vector<double>.Zero);
    }

    /// <summary>A column's values and weights.</summary>
    private readonly record struct Cell(Pair X, Pair Omega);
}
