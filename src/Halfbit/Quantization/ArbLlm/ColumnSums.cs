namespace Halfbit.Quantization.ArbLlm;

/// <summary>Numerators and divisors of column scales, summed over rows in fixed chunks and then chunk by chunk: the same bits for any number of threads.</summary>
internal sealed class ColumnSums(int rows, int stride)
{
    /// <summary>Rows of a chunk.</summary>
    public const int ChunkRows = 64;

    private readonly int chunks = (rows + ChunkRows - 1) / ChunkRows;
    private readonly double[] shares = new double[2 * stride * ((rows + ChunkRows - 1) / ChunkRows)];

    /// <summary>Makes room for the sums of the chunk that starts at a row: (numerators, divisors), zero.</summary>
    public Memory<double> Begin(int firstRow)
    {
        Memory<double> share = shares.AsMemory(firstRow / ChunkRows * 2 * stride, 2 * stride);
        share.Span.Clear();
        return share;
    }

    /// <summary>Sets each scale to its numerator over its divisor; 0 where the divisor is 0.</summary>
    /// <param name="scales">[stride].</param>
    /// <param name="tiny">Added to every divisor.</param>
    public void Quotients(double[] scales, double tiny)
    {
        for (int c = 0; c < stride; c++)
        {
            double numerator = 0;
            double divisor = tiny;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                numerator += shares[(chunk * 2 * stride) + c];
                divisor += shares[(((chunk * 2) + 1) * stride) + c];
            }

            scales[c] = divisor > 0 ? numerator / divisor : 0;
        }
    }
}
