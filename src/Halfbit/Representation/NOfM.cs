namespace Halfbit.Representation;

/// <summary>A sparsity pattern: of every M consecutive weights of a row, N are kept (SparseGPT-style programs count the pruned ones instead).</summary>
/// <param name="N">Kept weights, 1 to M.</param>
/// <param name="M">Weights per run, 1 to 64.</param>
public readonly record struct NOfM(int N, int M)
{
    /// <summary>The largest run that has a code of 64 bits.</summary>
    public const int LargestRun = 64;

    /// <summary>Share of kept weights, (0, 1].</summary>
    public double Share => (double)N / M;

    /// <summary>Kept weights of the run that starts at column <paramref name="start"/>: N, or its proportional part, rounded up, of a last run cut short.</summary>
    /// <param name="start">First column, a multiple of M.</param>
    /// <param name="columns">Columns of the matrix.</param>
    public int KeptOfRun(int start, int columns)
    {
        int width = Math.Min(M, columns - start);
        return width == M ? N : ((width * N) + M - 1) / M;
    }

    /// <summary>"4:8".</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{N}:{M}");
}
