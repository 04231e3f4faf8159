using Halfbit.Numerics;
using Halfbit.Statistics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>Chooses how a layer's groups are searched by what counts: the weighted error of the finished layer, at equal bits, on a sample of rows.</summary>
internal static class GroupingTrial
{
    /// <summary>Rows that are tried; all of a smaller layer.</summary>
    private const int SampleRows = 128;

    /// <summary>Salience metrics and objectives that are tried; with magnitudes also the plain error, all columns alike (<see cref="SearchObjective.Scores"/> of magnitudes).</summary>
    private static readonly (SalienceMetric Salience, SearchObjective Search)[] Candidates =
        [(SalienceMetric.Hessian, SearchObjective.Weights), (SalienceMetric.Magnitude, SearchObjective.Weights), (SalienceMetric.Magnitude, SearchObjective.Scores)];

    /// <summary>The result with the best candidate; the first of equals.</summary>
    /// <param name="W">[rows, n], original weights.</param>
    /// <param name="H">[n, n], undamped Hessian.</param>
    /// <param name="options">The method's options. With an objective other than weights the two metrics are tried with it.</param>
    /// <param name="run">Quantizes rows with settled options.</param>
    public static LayerResult Best(Matrix W, Matrix H, ArbLlmOptions options, Func<Matrix, ArbLlmOptions, LayerResult> run)
    {
        Matrix sample = W.Rows <= SampleRows ? W : Sample(W);
        (LayerResult Result, ArbLlmOptions Options, double Error)? best = null;
        foreach ((SalienceMetric salience, SearchObjective search) in Candidates)
        {
            if (options.Search == SearchObjective.Scores && search == SearchObjective.Weights && salience == SalienceMetric.Magnitude) continue;
            ArbLlmOptions candidate = options with { Salience = salience, Search = options.Search == SearchObjective.Scores ? SearchObjective.Scores : search };
            LayerResult result = run(sample, candidate);
            double error = WeightedError.Of(sample, result.Approximation, H) * Price(result, candidate);
            if (best is null || error < best.Value.Error) best = (result, candidate, error);
        }

        return sample == W ? best!.Value.Result : run(W, best!.Value.Options);
    }

    /// <summary>An error counts four times as much for every bit per weight: about what a bit is worth. With the column-group bitmap salient weights cost one bit more than others, without it none.</summary>
    private static double Price(LayerResult result, ArbLlmOptions candidate) => candidate.ColumnGroupBitmap ? Math.Pow(4, result.NominalBits - 1) : 1;

    /// <summary>Rows spread evenly over the matrix.</summary>
    private static Matrix Sample(Matrix W)
    {
        var sample = new Matrix(SampleRows, W.Columns);
        for (int r = 0; r < SampleRows; r++) W.Row((int)((long)r * W.Rows / SampleRows)).CopyTo(sample.Row(r));
        return sample;
    }
}
