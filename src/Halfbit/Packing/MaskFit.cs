using System.Numerics;
using Halfbit.Numerics;

namespace Halfbit.Packing;

/// <summary>
/// Finds the column and row classes that make a coded index short. Salience by w²/[H⁻¹]ⱼⱼ concentrates in columns of strong input features and in rows of
/// large weights, so a sum of a column and a row term in the logit describes most of it.
/// </summary>
/// <remarks>All decisions are taken in integers, so that the same mask gives the same bytes on every machine.</remarks>
internal static class MaskFit
{
    private const int Limit = MaskProbability.Limit;
    private const int Levels = (2 * Limit) + 1;
    private const int LargestStep = 6;
    private static readonly int[] NoStep = [0];
    private static readonly int[] Steps = [1, 2, 3, 4, LargestStep];
    private static readonly int[] Directions = [-1, 1];
    private static readonly int[] SalientCost = Costs(isSalient: true);
    private static readonly int[] OtherCost = Costs(isSalient: false);

    /// <summary>Fits the model and its classes.</summary>
    /// <param name="mask">[rows, columns].</param>
    /// <param name="valid">[rows, columns], the weights that are coded, among them all of the mask; null: all weights.</param>
    /// <param name="lanes">Lanes to put into the model.</param>
    public static (MaskModelParameters Model, byte[] ColumnClasses, byte[] RowClasses) Fit(BitMatrix mask, BitMatrix? valid, int lanes)
    {
        if (mask.Columns == 0) return (new MaskModelParameters(lanes, 0, 0, 0, 0, 0), [], new byte[mask.Rows]);

        // First on the finest scale, columns and rows in turn; then the coarse classes that are worth their bits.
        var columnLogits = new int[mask.Columns];
        var rowLogits = new int[mask.Rows];
        for (int round = 0; round < 2; round++)
        {
            Refine(Counts.PerColumn(mask, valid, rowLogits), columnLogits, -Limit, Limit);
            Refine(Counts.PerRow(mask, valid, columnLogits), rowLogits, -16, 16);
        }

        (int columnBits, int columnStep, int columnBase) = Coarsen(Table.Of(Counts.PerColumn(mask, valid, rowLogits), columnLogits));
        var model = new MaskModelParameters(lanes, columnBits, columnStep, 0, 0, columnBase);
        int[] coarseColumns = [.. columnLogits.Select(v => Nearest(v, columnBits, columnStep, columnBase))];
        (int rowBits, int rowStep, int rowBase) = Coarsen(Table.Of(Counts.PerRow(mask, valid, coarseColumns), rowLogits));
        model = model with { RowBits = rowBits, RowStep = rowStep, Base = columnBase + rowBase };

        // Last, the exact best class of each column and row for the coarse scales.
        int[] rowTerms = [.. rowLogits.Select(v => Nearest(v, rowBits, rowStep, rowBase))];
        byte[] columnClasses = Choose(Counts.PerColumn(mask, valid, rowTerms), columnBits, columnStep, columnBase);
        int[] columnTerms = [.. columnClasses.Select(c => columnBase + (columnStep * c))];
        byte[] rowClasses = Choose(Counts.PerRow(mask, valid, columnTerms), rowBits, rowStep, rowBase);
        return (model, columnClasses, rowClasses);
    }

    private static int[] Costs(bool isSalient)
    {
        var costs = new int[Levels];
        for (int t = -Limit; t <= Limit; t++)
        {
            uint frequency = MaskProbability.Frequency(t);
            costs[t + Limit] = MaskProbability.Cost(isSalient ? frequency : MaskProbability.Total - frequency);
        }

        return costs;
    }

    private static int Level(int logit) => Math.Clamp(logit, -Limit, Limit) + Limit;

    private static int Nearest(int value, int bits, int step, int start) => start + (step * ClassOf(value, bits, step, start));

    private static int ClassOf(int value, int bits, int step, int start)
        => step == 0 ? 0 : Math.Clamp((value - start + (step / 2)) / step, 0, (1 << bits) - 1);

    /// <summary>For each line (column or row): the term in [low, high] with the least cost, given the terms across it.</summary>
    private static void Refine(Counts counts, int[] terms, int low, int high)
    {
        for (int n = 0; n < terms.Length; n++)
        {
            // The cost is convex in the term: walk downhill from the last value.
            long best = counts.Cost(n, terms[n]);
            foreach (int direction in Directions)
            {
                for (int next = terms[n] + direction; next >= low && next <= high; next += direction)
                {
                    long cost = counts.Cost(n, next);
                    if (cost >= best) break;
                    best = cost;
                    terms[n] = next;
                }
            }
        }
    }

    private static byte[] Choose(Counts counts, int bits, int step, int start)
    {
        var classes = new byte[counts.Lines];
        for (int n = 0; n < classes.Length; n++)
        {
            long best = long.MaxValue;
            for (int c = 0; c < 1 << bits; c++)
            {
                long cost = counts.Cost(n, start + (step * c));
                if (cost >= best) continue;
                best = cost;
                classes[n] = (byte)c;
            }
        }

        return classes;
    }

    private static int[] Histogram(int[] terms)
    {
        var histogram = new int[Levels];
        foreach (int term in terms) histogram[Level(term)]++;
        return histogram;
    }

    private static void ForEachSet(ReadOnlySpan<ulong> words, Action<int> action)
    {
        for (int w = 0; w < words.Length; w++)
        {
            for (ulong word = words[w]; word != 0; word &= word - 1) action((w * 64) + BitOperations.TrailingZeroCount(word));
        }
    }

    /// <summary>The bits, step and start of the classes that make terms plus stream shortest.</summary>
    private static (int Bits, int Step, int Start) Coarsen(Table table)
    {
        long best = long.MaxValue;
        (int Bits, int Step, int Start) choice = default;
        for (int bits = 0; bits <= MaskModelParameters.MaximumBits; bits++)
        {
            if (bits == 1) continue;
            foreach (int step in bits == 0 ? NoStep : Steps)
            {
                if (step * ((1 << bits) - 1) > Levels) continue;
                for (int start = table.Lowest; start <= table.Highest; start++)
                {
                    long cost = ((long)bits * table.Lines) << 16;
                    for (int v = table.Lowest; v <= table.Highest && cost < best; v++) cost += table.Cost(v, Nearest(v, bits, step, start));
                    if (cost >= best) continue;
                    best = cost;
                    choice = (bits, step, start);
                }
            }
        }

        return choice;
    }

    /// <summary>Weights of each line (column or row), salient ones and all that are coded, by the term across it.</summary>
    private sealed class Counts
    {
        private readonly int[] salient;
        private readonly int[]? coded;
        private readonly int[] across;

        private Counts(int lines, int[] terms, bool hasCoded)
        {
            Lines = lines;
            across = Histogram(terms);
            Occupied = [.. Enumerable.Range(0, Levels).Where(level => across[level] > 0)];
            salient = new int[lines * Levels];
            coded = hasCoded ? new int[lines * Levels] : null;
        }

        public int Lines { get; }

        /// <summary>Levels of the terms across.</summary>
        public int[] Occupied { get; }

        public static Counts PerColumn(BitMatrix mask, BitMatrix? valid, int[] rowTerms)
        {
            var counts = new Counts(mask.Columns, rowTerms, valid is not null);
            CountColumns(mask, rowTerms, counts.salient);
            if (valid is not null) CountColumns(valid, rowTerms, counts.coded!);
            return counts;
        }

        public static Counts PerRow(BitMatrix mask, BitMatrix? valid, int[] columnTerms)
        {
            var counts = new Counts(mask.Rows, columnTerms, valid is not null);
            CountRows(mask, columnTerms, counts.salient);
            if (valid is not null) CountRows(valid, columnTerms, counts.coded!);
            return counts;
        }

        /// <summary>Salient weights of line <paramref name="n"/> across a level.</summary>
        public int Salient(int n, int level) => salient[(n * Levels) + level];

        /// <summary>Coded weights of line <paramref name="n"/> across a level.</summary>
        public int Coded(int n, int level) => coded is null ? across[level] : coded[(n * Levels) + level];

        /// <summary>Cost of line <paramref name="n"/> with a term of its own, in 2⁻¹⁶ bit.</summary>
        public long Cost(int n, int term)
        {
            ReadOnlySpan<int> line = salient.AsSpan(n * Levels, Levels);
            ReadOnlySpan<int> total = coded is null ? across : coded.AsSpan(n * Levels, Levels);
            long cost = 0;
            foreach (int level in Occupied)
            {
                int t = Level(level - Limit + term);
                cost += ((long)line[level] * SalientCost[t]) + ((long)(total[level] - line[level]) * OtherCost[t]);
            }

            return cost;
        }

        private static void CountColumns(BitMatrix bits, int[] rowTerms, int[] counts)
        {
            for (int i = 0; i < bits.Rows; i++)
            {
                int level = Level(rowTerms[i]);
                ForEachSet(bits.Row(i), j => counts[(j * Levels) + level]++);
            }
        }

        private static void CountRows(BitMatrix bits, int[] columnTerms, int[] counts)
        {
            for (int i = 0; i < bits.Rows; i++)
            {
                int at = i * Levels;
                ForEachSet(bits.Row(i), j => counts[at + Level(columnTerms[j])]++);
            }
        }
    }

    /// <summary>Costs of all lines of one fine term when they get another term.</summary>
    private sealed class Table
    {
        private readonly long[] costs;
        private readonly int width;

        private Table(int[] terms)
        {
            Lowest = terms.Min();
            Highest = terms.Max();
            Lines = terms.Length;

            // The nearest class lies at most half a step above the highest term.
            width = Highest - Lowest + 1 + (LargestStep / 2);
            costs = new long[(Highest - Lowest + 1) * width];
        }

        public int Lowest { get; }

        public int Highest { get; }

        public int Lines { get; }

        public static Table Of(Counts counts, int[] terms)
        {
            var table = new Table(terms);
            var salient = new long[Levels * Levels];
            var coded = new long[Levels * Levels];
            for (int n = 0; n < terms.Length; n++)
            {
                int at = Level(terms[n]) * Levels;
                foreach (int level in counts.Occupied)
                {
                    salient[at + level] += counts.Salient(n, level);
                    coded[at + level] += counts.Coded(n, level);
                }
            }

            foreach (int v in terms.Distinct())
            {
                int at = Level(v) * Levels;
                for (int t = 0; t < table.width; t++)
                {
                    long cost = 0;
                    foreach (int level in counts.Occupied)
                    {
                        int sum = Level(level - Limit + table.Lowest + t);
                        cost += (salient[at + level] * SalientCost[sum]) + ((coded[at + level] - salient[at + level]) * OtherCost[sum]);
                    }

                    table.costs[((v - table.Lowest) * table.width) + t] = cost;
                }
            }

            return table;
        }

        /// <summary>Cost of the lines with fine term <paramref name="v"/> when they get <paramref name="term"/>.</summary>
        public long Cost(int v, int term) => costs[((v - Lowest) * width) + term - Lowest];
    }
}
