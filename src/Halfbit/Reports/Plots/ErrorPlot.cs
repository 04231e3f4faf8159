using System.Globalization;
using System.Xml.Linq;
using Halfbit.Pipeline;

namespace Halfbit.Reports;

/// <summary>Relative error of every layer: one panel per kind of layer, one line per method over the blocks.</summary>
internal static class ErrorPlot
{
    private const double Left = 72;
    private const double Right = 12;
    private const double PanelGap = 18;
    private const double PanelHeight = 128;
    private const double Heading = 24;
    private const double Foot = 26;
    private const double Bottom = 26;
    private const int Across = 4;

    /// <summary>Points of a line up to which each has a mark.</summary>
    private const int MostMarks = 48;

    /// <summary>The figure; null when there is no error above zero.</summary>
    public static Figure? Create(ComparisonResult result)
    {
        List<PlotEntry> entries = [.. PlotEntry.Of(result).Where(e => e.Row.Layers.Any(IsDrawn))];
        if (entries.Count == 0) return null;
        string[] kinds = [.. entries[0].Row.Layers.Select(l => LayerPlace.Of(l.Name).Kind).Distinct()];
        int blocks = entries[0].Row.Layers.Max(l => LayerPlace.Of(l.Name).Block) + 1;
        double[] errors = [.. entries.SelectMany(e => e.Row.Layers).Where(IsDrawn).Select(l => l.RelativeError)];
        int across = Math.Min(Across, kinds.Length);
        int down = (kinds.Length + across - 1) / across;
        double width = (Figure.UsualWidth - Left - Right - ((across - 1) * PanelGap)) / across;
        double height = down * (Heading + PanelHeight + Foot) + Bottom;
        var content = new List<XElement>
        {
            Svg.TextUpwards("axis-title", 16, (height - Bottom) / 2, "relative error of the layer (logarithmic; lower is better)"),
            Svg.Text("axis-title", (Left + Figure.UsualWidth - Right) / 2, height - 8, "block, counted from 0", "middle"),
        };
        for (int k = 0; k < kinds.Length; k++)
        {
            double left = Left + (k % across * (width + PanelGap));
            double top = (k / across * (Heading + PanelHeight + Foot)) + Heading;
            var axes = new Axes(new Scale(-0.4, blocks - 0.6, left, left + width, false), Scale.Around(errors, top + PanelHeight, top, isLogarithmic: true));
            content.Add(Svg.Text("panel", left, top - 8, kinds[k]));
            content.AddRange(axes.Horizontal(6, null, isWhole: true));
            content.AddRange(axes.Vertical(5, null, hasLabels: k % across == 0));
            content.AddRange(entries.Select(e => Line(axes, e, kinds[k], blocks)));
        }

        return new Figure("errors", "Error of each layer", Describe(entries), Figure.UsualWidth, height, content, Table(entries), Legend(entries));
    }

    private static bool IsDrawn(LayerRecord layer) => double.IsFinite(layer.RelativeError) && layer.RelativeError > 0;

    private static XElement Line(Axes axes, PlotEntry entry, string kind, int blocks)
    {
        (double X, double Y)[] points = [.. entry.Row.Layers.Where(l => IsDrawn(l) && LayerPlace.Of(l.Name).Kind == kind)
            .Select(l => (axes.X.At(LayerPlace.Of(l.Name).Block), axes.Y.At(l.RelativeError)))];
        XElement group = Svg.Group("series", entry.Row.Name);
        if (points.Length > 1) group.Add(Svg.Path(entry.Style.Line, "M" + string.Join('L', points.Select(p => $"{Svg.Number(p.X)} {Svg.Number(p.Y)}"))));
        if (points.Length == 1 || blocks <= MostMarks) group.Add(points.Select(p => entry.Style.Mark(p.X, p.Y, 3)));
        return group;
    }

    private static string Describe(List<PlotEntry> entries)
    {
        (PlotEntry Entry, LayerRecord Layer) worst = entries.SelectMany(e => e.Row.Layers.Where(IsDrawn).Select(l => (e, l))).MaxBy(p => p.l.RelativeError);
        string text = "tr((W − Q)·H·(W − Q)ᵀ) over tr(W·H·Wᵀ), where H is the Hessian of the calibration inputs as the method's own earlier blocks hand them over. "
            + $"The largest is {NumberText.Error(worst.Layer.RelativeError)}: {worst.Layer.Name} with {worst.Entry.Row.Name}.";
        string[] plain = [.. entries.Where(e => !e.Row.HasWeightedErrors).Select(e => e.Row.Name)];
        return plain.Length == 0 ? text : text + $" Methods that ran without a calibration have plain squared errors instead, which do not compare with the others: {string.Join(", ", plain)}. A text given with --calibration makes them comparable.";
    }

    private static XElement Legend(List<PlotEntry> entries) => new(
        "ul", new XAttribute("class", "legend"),
        entries.Select(e => new XElement(
            "li",
            new XElement("svg", new XAttribute("class", "key"), new XAttribute("viewBox", "0 0 36 14"), new XAttribute("aria-hidden", "true"), Svg.Path(e.Style.Line, "M1 7L35 7"), e.Style.Mark(18, 7, 4)),
            Printable.Of(e.Row.Name + (e.Row.HasWeightedErrors ? "" : " (not weighted)")))));

    private static XElement Table(List<PlotEntry> entries)
    {
        var table = new HtmlTable("Relative error of each layer", entries.Select(e => e.Row.Name).Prepend("layer"));
        foreach (string name in entries[0].Row.Layers.Select(l => l.Name))
            table.Add(name, entries.Select(e => e.Row.Layers.FirstOrDefault(l => l.Name == name) is LayerRecord layer ? NumberText.Error(layer.RelativeError) : null));
        var means = entries.Select(e => e.Row.Layers.Average(l => l.RelativeError).ToString("0.0000", CultureInfo.InvariantCulture));
        table.Add("mean over layers", means, "sum");
        return table.ToElement();
    }
}
