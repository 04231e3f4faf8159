using Halfbit.Quantization.Steps;

namespace Halfbit.Quantization.StbLlm;

/// <summary>How the cells of a block are divided: salient columns, and three groups of the other cells by magnitude.</summary>
/// <param name="IsSalient">[w].</param>
/// <param name="First">Dense below it, intermediate from it on.</param>
/// <param name="Second">Sparse from it on.</param>
/// <param name="IsSplit">False when no pair of thresholds was admissible: all cells that are not salient are dense.</param>
/// <param name="Candidates">Number of admissible pairs.</param>
/// <param name="Index">The winner among them.</param>
internal sealed record TrisectionGroups(bool[] IsSalient, float First, float Second, bool IsSplit, int Candidates, int Index)
{
    /// <summary>Numbers of the groups, as in the reference files.</summary>
    public const byte Dense = 0;

    /// <summary>Magnitudes between the thresholds.</summary>
    public const byte Intermediate = 1;

    /// <summary>The largest magnitudes.</summary>
    public const byte Sparse = 2;

    /// <summary>Salient columns.</summary>
    public const byte Salient = 3;

    /// <summary>The second threshold is this multiple of the first, as in the paper and the program.</summary>
    private const double Ratio = 2;

    private static readonly QuantileGrid Quantiles = new(160, QuantileArithmetic.Mixed);

    /// <summary>The group of a cell of column <paramref name="j"/> with the searched value <paramref name="s"/>.</summary>
    public byte Of(int j, float s)
    {
        if (IsSalient[j]) return Salient;
        float magnitude = MathF.Abs(s);
        return !IsSplit || magnitude < First ? Dense : magnitude < Second ? Intermediate : Sparse;
    }

    /// <summary>Searches the division (spec of the program: salient columns by two planes each side, then 160 quantiles as first thresholds and their doubles as second ones).</summary>
    /// <param name="S">What is searched.</param>
    /// <param name="columnScores">[w], in whose descending order columns become salient.</param>
    /// <param name="asProgram">Whether at least one column is salient, and salient columns count as zeros among the magnitudes whose quantiles are taken.</param>
    /// <param name="hasMeans">Whether planes have means.</param>
    public static TrisectionGroups Find(SearchMatrix S, ReadOnlySpan<double> columnScores, bool asProgram, bool hasMeans)
    {
        int most = Math.Min(SalientColumnSearch.Most, S.Columns - 1);
        bool[] isSalient = SalientColumnSearch.Find(S, columnScores, asProgram ? Math.Min(1, most) : 0, most, hasMeans).IsSalient;
        var magnitudes = new float[S.Rows * S.Columns];
        int count = S.CopyMagnitudes(isSalient, asProgram, magnitudes);
        if (count == 0) return new TrisectionGroups(isSalient, 0, 0, IsSplit: false, 0, 0);

        double[] quantiles = Quantiles.ExactOf(magnitudes.AsSpan(0, count));
        double[] admissible = [.. quantiles.Where(p => Ratio * p <= quantiles[^1])];
        if (admissible.Length == 0) return new TrisectionGroups(isSalient, 0, 0, IsSplit: false, 0, 0);

        float[] first = Array.ConvertAll(admissible, p => (float)p);
        float[] second = Array.ConvertAll(admissible, p => (float)(Ratio * p));
        Split split = SplitSearch.Find(S, isSalient, [first, second], hasMeans: hasMeans);
        return new TrisectionGroups(isSalient, first[split.Index], second[split.Index], IsSplit: true, admissible.Length, split.Index);
    }
}
