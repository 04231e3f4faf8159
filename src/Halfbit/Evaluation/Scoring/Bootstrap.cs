using Halfbit.Numerics;

namespace Halfbit.Evaluation;

/// <summary>The standard error that the harness gives a perplexity: the spread over texts drawn anew with replacement.</summary>
/// <remarks>100 chunks of 1000 draws; chunk i uses Python's <c>random.Random(i).choices</c>, so that the number equals the harness's but for rounding.</remarks>
internal static class Bootstrap
{
    private const int Chunks = 100;
    private const int DrawsPerChunk = 1000;

    /// <summary>Sample standard deviation of exp(−mean) over all draws.</summary>
    /// <param name="likelihoods">[n] log-likelihoods.</param>
    public static double PerplexityError(double[] likelihoods)
    {
        if (likelihoods.Length < 2) return double.NaN;
        var draws = new double[Chunks * DrawsPerChunk];
        RowParallel.For(Chunks, 1, (start, end) =>
        {
            for (int chunk = start; chunk < end; chunk++) Draw(likelihoods, new PythonRandom(chunk), draws.AsSpan(chunk * DrawsPerChunk, DrawsPerChunk));
        });
        double mean = draws.Sum() / draws.Length;
        return Math.Sqrt(draws.Sum(x => (x - mean) * (x - mean)) / (draws.Length - 1));
    }

    private static void Draw(double[] likelihoods, PythonRandom random, Span<double> perplexities)
    {
        for (int draw = 0; draw < perplexities.Length; draw++)
        {
            double sum = 0;
            for (int i = 0; i < likelihoods.Length; i++) sum += likelihoods[(int)(random.NextDouble() * likelihoods.Length)];
            perplexities[draw] = Math.Exp(-sum / likelihoods.Length);
        }
    }
}
