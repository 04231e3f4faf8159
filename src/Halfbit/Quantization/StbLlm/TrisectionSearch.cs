using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.StbLlm;

/// <summary>How the cells of a block are divided: salient columns, and three groups of the other cells by magnitude.</summary>
/// <param name="IsSalient">[w].</param>
/// <param name="First">Magnitudes below it are dense, from it on intermediate.</param>
/// <param name="Second">From it on sparse.</param>
/// <param name="Candidates">Number of admissible pairs of thresholds; 0: none, all cells that are not salient are dense.</param>
/// <param name="Index">The winner among them.</param>
internal sealed record Trisection(bool[] IsSalient, float First, float Second, int Candidates, int Index)
{
    /// <summary>Salient columns; groups in the order in which they are stored.</summary>
    public const byte Salient = 0;

    /// <summary>The smallest magnitudes, most weights.</summary>
    public const byte Dense = 1;

    /// <summary>Magnitudes between the thresholds.</summary>
    public const byte Intermediate = 2;

    /// <summary>The largest magnitudes, few weights.</summary>
    public const byte Sparse = 3;

    /// <summary>The group of a cell of column <paramref name="j"/> with the searched value <paramref name="s"/>.</summary>
    public byte GroupOf(int j, float s)
    {
        if (IsSalient[j]) return Salient;
        float magnitude = MathF.Abs(s);
        return Candidates == 0 || magnitude < First ? Dense : magnitude < Second ? Intermediate : Sparse;
    }
}

/// <summary>Divides a block: salient columns by BiLLM's search, then the first threshold among 160 quantiles of the magnitudes, the second being its double (σ = 2 in paper and program).</summary>
internal static class TrisectionSearch
{
    private const double Ratio = 2;

    private static readonly QuantileGrid Quantiles = new(160, QuantileArithmetic.Mixed);

    /// <summary>Finds the division of least squared error.</summary>
    /// <param name="S">What is searched.</param>
    /// <param name="columnScores">[w], in whose descending order columns become salient.</param>
    /// <param name="asProgram">Whether at least one column is salient, and salient columns count as zeros among the magnitudes whose quantiles are taken.</param>
    /// <param name="hasMeans">Whether groups are thought to have means.</param>
    public static Trisection Find(SearchMatrix S, ReadOnlySpan<double> columnScores, bool asProgram, bool hasMeans)
    {
        int most = Math.Min(SalientColumnSearch.Most, S.Columns - 1);
        bool[] isSalient = SalientColumnSearch.Find(S, columnScores, asProgram ? Math.Min(1, most) : 0, most, hasMeans).IsSalient;
        var magnitudes = new float[S.Rows * S.Columns];
        int count = S.CopyMagnitudes(isSalient, asProgram, magnitudes);
        if (count == 0) return new Trisection(isSalient, 0, 0, 0, 0);
        double[] quantiles = Quantiles.ExactOf(magnitudes.AsSpan(0, count));
        double[] admissible = [.. quantiles.Where(p => Ratio * p <= quantiles[^1])];
        if (admissible.Length == 0) return new Trisection(isSalient, 0, 0, 0, 0);
        float[] first = Array.ConvertAll(admissible, p => (float)p);
        float[] second = Array.ConvertAll(admissible, p => (float)(Ratio * p));
        int best = SplitSearch.Find(S, isSalient, [first, second], hasMeans: hasMeans).Index;
        return new Trisection(isSalient, first[best], second[best], admissible.Length, best);
    }
}
