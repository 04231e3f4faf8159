using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>What a search of a block looks at: values that are thresholded and binarized, how much each column counts, and which cells take part.</summary>
/// <param name="values">[rows, w], finite; kept, not copied.</param>
/// <param name="omega">[w], weight ω_j ≥ 0 of each column in all means and errors; all ones in the released programs.</param>
/// <param name="keep">[rows, ≥ keepStart + w]; a cleared bit takes its cell out of every statistic and error. Null: all cells take part.</param>
/// <param name="keepStart">Column of <paramref name="keep"/> that belongs to the block's first column.</param>
internal sealed class SearchMatrix(Matrix values, double[] omega, BitMatrix? keep = null, int keepStart = 0)
{
    /// <summary>[rows, w].</summary>
    public Matrix Values { get; } = values;

    /// <summary>[w], ω ≥ 0.</summary>
    public double[] Omega { get; } = omega.Length == values.Columns ? omega : throw new ArgumentException($"{omega.Length} column weights for {values.Columns} columns", nameof(omega));

    /// <summary>Number of rows.</summary>
    public int Rows => Values.Rows;

    /// <summary>Number of columns w.</summary>
    public int Columns => Values.Columns;

    /// <summary>Whether all cells take part.</summary>
    public bool IsWhole => keep is null;

    /// <summary>Whether cell (<paramref name="i"/>, <paramref name="j"/>) takes part.</summary>
    public bool IsKept(int i, int j) => keep is null || keep[i, keepStart + j];

    /// <summary>Columns that all count alike: ω = 1.</summary>
    public static double[] Ones(int columns)
    {
        var ones = new double[columns];
        ones.AsSpan().Fill(1);
        return ones;
    }

    /// <summary>Writes the scores w²/d² in single precision, as the released programs compute them.</summary>
    /// <param name="W">[rows, w], current weights.</param>
    /// <param name="U">[w, w], upper triangular part of the block; d_j = U_jj.</param>
    /// <param name="scores">[rows, w], receives them.</param>
    public static void Scores(MatrixView<float> W, Matrix U, Matrix scores)
    {
        Span<float> squares = stackalloc float[Math.Min(W.Columns, 1024)];
        if (squares.Length < W.Columns) squares = new float[W.Columns];
        for (int j = 0; j < W.Columns; j++) squares[j] = U[j, j] * U[j, j];
        for (int i = 0; i < W.Rows; i++)
        {
            ReadOnlySpan<float> w = W.Row(i);
            Span<float> s = scores.Row(i);
            for (int j = 0; j < s.Length; j++) s[j] = w[j] * w[j] / squares[j];
        }
    }

    /// <summary>t_j = Σ over rows of |value|, the order in which columns become salient.</summary>
    public double[] ColumnSums()
    {
        var sums = new double[Columns];
        for (int i = 0; i < Rows; i++)
        {
            ReadOnlySpan<float> row = Values.Row(i);
            for (int j = 0; j < row.Length; j++)
            {
                if (IsKept(i, j)) sums[j] += Math.Abs(row[j]);
            }
        }

        return sums;
    }

    /// <summary>Writes |values| row by row, for quantiles; cells that take no part are left out.</summary>
    /// <param name="isExcluded">[w], columns that are left out or count as zero; null: none.</param>
    /// <param name="excludedAreZeros">Whether excluded columns stay in as zeros, as in the released programs.</param>
    /// <param name="destination">At least rows · w elements.</param>
    /// <returns>Number of elements written.</returns>
    public int CopyMagnitudes(bool[]? isExcluded, bool excludedAreZeros, Span<float> destination)
    {
        int count = 0;
        for (int i = 0; i < Rows; i++)
        {
            ReadOnlySpan<float> row = Values.Row(i);
            if (isExcluded is null && keep is null)
            {
                for (int j = 0; j < row.Length; j++) destination[count + j] = MathF.Abs(row[j]);
                count += row.Length;
                continue;
            }

            for (int j = 0; j < row.Length; j++)
            {
                bool isOut = isExcluded is not null && isExcluded[j];
                if ((isOut && !excludedAreZeros) || !IsKept(i, j)) continue;
                destination[count++] = isOut ? 0f : MathF.Abs(row[j]);
            }
        }

        return count;
    }
}
