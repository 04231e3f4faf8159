using System.Xml.Linq;

namespace Halfbit.Reports;

/// <summary>True bits against perplexity, with the front: what is worth its bits.</summary>
internal static class ScatterPlot
{
    private const double Left = 72;
    private const double Right = 16;
    private const double Top = 16;
    private const double Height = 460;
    private const double Bottom = 52;
    private const double Radius = 6;

    /// <summary>From this ratio of the largest perplexity to the smallest the axis is logarithmic.</summary>
    private const double LargeRatio = 2.5;

    /// <summary>The figure; null when no method has a finite perplexity.</summary>
    public static Figure? Create(ComparisonResult result)
    {
        List<PlotEntry> entries = [.. PlotEntry.Of(result).Where(e => double.IsFinite(e.Row.Perplexity))];
        if (entries.Count == 0) return null;
        ComparisonRow original = result.Rows[0];
        double[] perplexities = [.. entries.Select(e => e.Row.Perplexity), original.Perplexity];
        bool isLogarithmic = perplexities.Max() > LargeRatio * perplexities.Min();
        var axes = new Axes(
            Scale.Around([.. entries.Select(e => e.Row.TrueBits)], Left, Figure.UsualWidth - Right, isLogarithmic: false),
            Scale.Around(perplexities, Height - Bottom, Top, isLogarithmic));
        var content = new List<XElement>();
        content.AddRange(axes.Horizontal(10, "true bits per weight (all stored bytes of the quantized layers)"));
        content.AddRange(axes.Vertical(8, isLogarithmic ? "perplexity per token (logarithmic; lower is better)" : "perplexity per token (lower is better)"));

        var placement = new LabelPlacement(new Box(axes.X.From, axes.Top, axes.X.To, axes.Bottom));
        content.Add(OriginalLine(axes, original, placement));
        List<PlotEntry> front = [.. entries.Where(e => result.ParetoFront.Contains(e.Row.Name)).OrderBy(e => e.Row.TrueBits)];
        if (front.Count > 0) content.Add(Front(axes, front, placement));
        foreach (PlotEntry entry in entries) placement.Take(Around(axes.X.At(entry.Row.TrueBits), axes.Y.At(entry.Row.Perplexity), Radius + 2));
        content.AddRange(entries.Select(e => Mark(axes, e, placement)));

        string names = front.Count == 0 ? "none" : string.Join(", ", front.Select(e => e.Row.Name));
        string description = $"Each mark is a compressed model; further left is smaller, further down is better. The stepped line is the Pareto front: no model lies left of and below it. On it: {names}. "
            + $"The dashed line is the original model ({NumberText.Bits(original.TrueBits)} bits, far to the right), perplexity {NumberText.Perplexity(original.Perplexity)}.";
        return new Figure("quality", "Size and quality", description, Figure.UsualWidth, Height, content, Table(result, entries));
    }

    /// <summary>A label that is far from its mark is joined to it.</summary>
    private static XElement Mark(Axes axes, PlotEntry entry, LabelPlacement placement)
    {
        const double LongestUnjoined = 16;
        double x = axes.X.At(entry.Row.TrueBits);
        double y = axes.Y.At(entry.Row.Perplexity);
        string label = Svg.Fit(entry.Row.Name, 220);
        Box box = placement.Place(x, y, Svg.WidthOf(label));
        double nearX = Math.Clamp(x, box.Left, box.Right);
        double nearY = Math.Clamp(y, box.Top, box.Bottom);
        XElement group = Svg.Group(
            "point", $"{entry.Row.Name}: {NumberText.Bits(entry.Row.TrueBits)} true bits per weight, perplexity {NumberText.Perplexity(entry.Row.Perplexity)}",
            entry.Style.Mark(x, y, Radius),
            Svg.Text("label", box.Left, box.Bottom - 3, label));
        if (Math.Sqrt(((nearX - x) * (nearX - x)) + ((nearY - y) * (nearY - y))) > LongestUnjoined) group.AddFirst(Svg.Line("leader", x, y, nearX, nearY));
        return group;
    }

    private static XElement OriginalLine(Axes axes, ComparisonRow original, LabelPlacement placement)
    {
        double y = axes.Y.At(original.Perplexity);
        string label = $"{original.Name}, {NumberText.Bits(original.TrueBits)} bits: {NumberText.Perplexity(original.Perplexity)}";
        double width = Svg.WidthOf(label);
        placement.Take(new Box(axes.X.To - width, y, axes.X.To, y + 18));
        placement.Take(new Box(axes.X.From, y - 2, axes.X.To, y + 2));
        return Svg.Group("original", label, Svg.Line("floor", axes.X.From, y, axes.X.To, y), Svg.Text("label soft", axes.X.To - 4, y + 14, label, "end"));
    }

    /// <summary>The least perplexity that can be had for a number of bits: steps down at each model of the front. Labels keep off it.</summary>
    private static XElement Front(Axes axes, List<PlotEntry> front, LabelPlacement placement)
    {
        const double Near = 3;
        string d = string.Empty;
        double before = axes.Top;
        for (int k = 0; k < front.Count; k++)
        {
            double x = axes.X.At(front[k].Row.TrueBits);
            double y = axes.Y.At(front[k].Row.Perplexity);
            double next = k + 1 < front.Count ? axes.X.At(front[k + 1].Row.TrueBits) : axes.X.To;
            d += (d.Length == 0 ? $"M{Svg.Number(x)} {Svg.Number(axes.Top)}" : $"H{Svg.Number(x)}") + $"V{Svg.Number(y)}";
            placement.Take(new Box(x - Near, before, x + Near, y));
            placement.Take(new Box(x, y - Near, next, y + Near));
            before = y;
        }

        return Svg.Group("front-line", "Pareto front", Svg.Path("front", d + $"H{Svg.Number(axes.X.To)}"));
    }

    private static XElement Table(ComparisonResult result, IEnumerable<PlotEntry> entries)
    {
        var table = new HtmlTable("True bits and perplexity", "model", "true bits per weight", "perplexity", "'on the front");
        foreach (ComparisonRow row in entries.Select(e => e.Row).Prepend(result.Rows[0]).OrderBy(r => r.TrueBits))
            table.Add(row.Name, [NumberText.Bits(row.TrueBits), NumberText.Perplexity(row.Perplexity), result.ParetoFront.Contains(row.Name) ? "yes" : "no"]);
        return table.ToElement();
    }

    private static Box Around(double x, double y, double radius) => new(x - radius, y - radius, x + radius, y + radius);
}
