namespace Halfbit.Reports;

/// <summary>A model in a plot.</summary>
/// <param name="Row">What was measured.</param>
/// <param name="Style">How it looks.</param>
internal sealed record PlotEntry(ComparisonRow Row, SeriesStyle Style)
{
    /// <summary>The contestants that did not fail. A style belongs to a place in the list, whoever failed.</summary>
    public static IReadOnlyList<PlotEntry> Of(ComparisonResult result)
        => [.. result.Rows.Skip(1).Select((row, index) => new PlotEntry(row, new SeriesStyle(index))).Where(e => e.Row.Error is null)];
}
