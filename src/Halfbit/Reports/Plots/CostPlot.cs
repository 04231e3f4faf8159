using System.Xml.Linq;

namespace Halfbit.Reports;

/// <summary>Time and peak memory of compressing, as bars.</summary>
internal static class CostPlot
{
    private const double Left = 240;
    private const double Gap = 56;
    private const double Right = 56;
    private const double Top = 8;
    private const double RowHeight = 24;
    private const double Thickness = 12;
    private const double Bottom = 48;

    /// <summary>The figure; null when all methods failed.</summary>
    public static Figure? Create(ComparisonResult result)
    {
        IReadOnlyList<PlotEntry> entries = PlotEntry.Of(result);
        if (entries.Count == 0) return null;
        bool hasPeak = entries.Any(e => e.Row.PeakMemoryBytes is not null);
        double end = Top + (entries.Count * RowHeight);
        double width = hasPeak ? (Figure.UsualWidth - Left - Gap - Right) / 2 : Figure.UsualWidth - Left - Right;
        var rows = new Scale(0, 1, end, Top, false);
        var time = new Axes(Scale.FromZero(entries.Select(e => e.Row.Seconds), Left, Left + width), rows);
        var memory = new Axes(Scale.FromZero(entries.Select(e => Megabytes(e.Row)), Left + width + Gap, Left + width + Gap + width), rows);
        var content = new List<XElement>(time.Horizontal(6, "time to compress, seconds"));
        if (hasPeak) content.AddRange(memory.Horizontal(6, "peak memory, MB"));
        var table = new HtmlTable("Time and peak memory", "model", "seconds", "peak memory, MB");
        for (int i = 0; i < entries.Count; i++)
        {
            (ComparisonRow row, SeriesStyle style) = entries[i];
            double y = Top + ((i + 0.5) * RowHeight);
            string seconds = NumberText.Seconds(row.Seconds);
            string? megabytes = NumberText.Megabytes(row.PeakMemoryBytes);
            XElement group = Svg.Group(
                "point", $"{row.Name}: {seconds} seconds" + (megabytes is null ? "" : $", {megabytes} MB"),
                Svg.Text("label", Left - 12, y + 4, Svg.Fit(row.Name, Left - 20), "end"),
                Bar(time, row.Seconds, y, style),
                Svg.Text("tick", time.X.At(row.Seconds) + 5, y + 4, seconds));
            if (megabytes is not null) group.Add(Bar(memory, Megabytes(row), y, style), Svg.Text("tick", memory.X.At(Megabytes(row)) + 5, y + 4, megabytes));
            content.Add(group);
            table.Add(row.Name, [seconds, megabytes]);
        }

        content.Add(Svg.Line("axis", Left, Top, Left, end));
        if (hasPeak) content.Add(Svg.Line("axis", memory.X.From, Top, memory.X.From, end));
        string description = "Time to compress the model, without what all methods share"
            + (result.Calibration is null ? "" : $" ({NumberText.Seconds(result.CalibrationSeconds)} s for the calibration text and the statistics of the first block)")
            + (hasPeak ? ", and the largest resident memory of the process meanwhile, runtime and mapped weights included; with a small model much of it is what the runtime has not collected yet." : $". Peak memory per method is not known: {result.PeakMemoryNote}.");
        return new Figure("cost", "Time and memory", description, Figure.UsualWidth, end + Bottom, content, table.ToElement());
    }

    private static XElement Bar(Axes axes, double value, double y, SeriesStyle style)
        => Svg.Rectangle("bar " + style.Colour, axes.X.From, y - (Thickness / 2), Math.Max(axes.X.At(value) - axes.X.From, 1), Thickness);

    private static double Megabytes(ComparisonRow row) => row.PeakMemoryBytes is long bytes ? bytes / 1e6 : double.NaN;
}
