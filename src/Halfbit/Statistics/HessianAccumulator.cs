using Halfbit.Numerics;

namespace Halfbit.Statistics;

/// <summary>Collects H = (2/K)·Σ x·xᵀ over all tokens of K calibration sequences: the Hessian of a linear layer's squared output error, up to a constant.</summary>
/// <remarks>
/// As GPTQ and PB-LLM define it (the mean is over sequences, not tokens; arXiv 2210.17323 and the released programs). Each sequence is summed by itself
/// before it is added, so that long sums keep their precision; the order of sums is fixed by the order of the sequences alone.
/// </remarks>
public sealed class HessianAccumulator
{
    private readonly Matrix sum;

    /// <summary>An empty sum.</summary>
    /// <param name="columns">Input features n of the layer, ≥ 1.</param>
    public HessianAccumulator(int columns)
    {
        sum = new Matrix(columns, columns);
    }

    /// <summary>Number of sequences K seen so far.</summary>
    public int Sequences { get; private set; }

    /// <summary>Adds one calibration sequence.</summary>
    /// <param name="X">[tokens, columns], inputs of the layer.</param>
    public void Add(MatrixView<float> X)
    {
        if (X.Columns != sum.Columns) throw new ArgumentException($"inputs have {X.Columns} features, expected {sum.Columns}", nameof(X));
        DenseProduct.AddGramUpper(X, sum.View);
        Sequences++;
    }

    /// <summary>The Hessian, [columns, columns], symmetric. The accumulator hands its memory over and must not be used again.</summary>
    /// <exception cref="InvalidOperationException">No sequence was added.</exception>
    public Matrix Finish()
    {
        if (Sequences == 0) throw new InvalidOperationException("no calibration sequence was added");
        float factor = 2f / Sequences;
        int n = sum.Columns;
        for (int i = 0; i < n; i++)
        {
            Span<float> row = sum.Row(i);
            for (int j = i; j < n; j++) row[j] *= factor;
        }

        // The lower triangle in tiles, so that reads and writes both stay in cache lines.
        const int Tile = 64;
        RowParallel.For(n, Tile, (start, end) =>
        {
            for (int columnStart = 0; columnStart < end; columnStart += Tile)
            {
                for (int i = start; i < end; i++)
                {
                    for (int j = columnStart; j < Math.Min(columnStart + Tile, i); j++) sum[i, j] = sum[j, i];
                }
            }
        });
        return sum;
    }
}
