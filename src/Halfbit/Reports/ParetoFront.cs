namespace Halfbit.Reports;

/// <summary>The rows worth choosing: smaller ones are worse, better ones are larger.</summary>
internal static class ParetoFront
{
    /// <summary>Names of the rows that no other row beats; equal rows do not beat each other.</summary>
    public static IReadOnlySet<string> Of(IReadOnlyList<ComparisonRow> rows)
    {
        List<ComparisonRow> measured = [.. rows.Where(r => double.IsFinite(r.TrueBits) && double.IsFinite(r.Perplexity))];
        return measured.Where(r => !measured.Exists(other => Beats(other, r))).Select(r => r.Name).ToHashSet(StringComparer.Ordinal);
    }

    private static bool Beats(ComparisonRow a, ComparisonRow b)
        => a.TrueBits <= b.TrueBits && a.Perplexity <= b.Perplexity && (a.TrueBits < b.TrueBits || a.Perplexity < b.Perplexity);
}
