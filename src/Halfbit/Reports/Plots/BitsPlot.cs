using System.Xml.Linq;

namespace Halfbit.Reports;

/// <summary>Nominal against true bits: what the papers count, and what a file takes.</summary>
internal static class BitsPlot
{
    private const double Left = 240;
    private const double Right = 64;
    private const double Top = 8;
    private const double RowHeight = 26;
    private const double Bottom = 48;

    /// <summary>The figure; null when all methods failed.</summary>
    public static Figure? Create(ComparisonResult result)
    {
        IReadOnlyList<PlotEntry> entries = PlotEntry.Of(result);
        if (entries.Count == 0) return null;
        double end = Top + (entries.Count * RowHeight);
        var axes = new Axes(Scale.FromZero(entries.SelectMany(e => (double[])[e.Row.NominalBits, e.Row.TrueBits]), Left, Figure.UsualWidth - Right), new Scale(0, 1, end, Top, false));
        var content = new List<XElement>(axes.Horizontal(10, "bits per weight"));
        var table = new HtmlTable("Nominal and true bits per weight", "model", "nominal", "true", "difference", "difference, %");
        for (int i = 0; i < entries.Count; i++)
        {
            (ComparisonRow row, SeriesStyle style) = entries[i];
            double y = Top + ((i + 0.5) * RowHeight);
            double difference = row.TrueBits - row.NominalBits;
            string signed = Signed(difference, "F3");
            content.Add(Svg.Group(
                "point", $"{row.Name}: {NumberText.Bits(row.NominalBits)} nominal, {NumberText.Bits(row.TrueBits)} true bits per weight",
                Svg.Text("label", Left - 12, y + 4, Svg.Fit(row.Name, Left - 20), "end"),
                Svg.Line("bond " + style.Colour, axes.X.At(row.NominalBits), y, axes.X.At(row.TrueBits), y),
                style.HollowMark(axes.X.At(row.NominalBits), y, 5),
                style.Mark(axes.X.At(row.TrueBits), y, 5.5),
                Svg.Text("tick", Math.Max(axes.X.At(row.TrueBits), axes.X.At(row.NominalBits)) + 12, y + 4, signed, "start")));
            table.Add(row.Name, [NumberText.Bits(row.NominalBits), NumberText.Bits(row.TrueBits), signed, Signed(100 * difference / row.NominalBits, "F1")]);
        }

        const string Description = "The hollow mark is what the method's paper counts, the filled one what is really stored: signs, positions, codes, scales, headers. The number is the difference. The original is left out.";
        return new Figure("bits", "Nominal and true bits", Description, Figure.UsualWidth, end + Bottom, content, table.ToElement());
    }

    private static string Signed(double value, string format)
        => (value < 0 ? "−" : "+") + Math.Abs(value).ToString(format, System.Globalization.CultureInfo.InvariantCulture);
}
