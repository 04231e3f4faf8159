using System.Xml.Linq;

namespace Halfbit.Reports;

/// <summary>The frame of a plot: grid lines at round numbers, their labels, the titles of the axes.</summary>
/// <param name="X">Left to right.</param>
/// <param name="Y">Bottom to top.</param>
internal sealed record Axes(Scale X, Scale Y)
{
    private const double Gap = 6;

    /// <summary>Top of the area.</summary>
    public double Top => Math.Min(Y.From, Y.To);

    /// <summary>Bottom of the area.</summary>
    public double Bottom => Math.Max(Y.From, Y.To);

    /// <summary>Lines and labels of the horizontal axis.</summary>
    /// <param name="most">Most ticks.</param>
    /// <param name="title">What is measured, with its unit; null for none.</param>
    /// <param name="isWhole">Whether only whole numbers make sense.</param>
    public IEnumerable<XElement> Horizontal(int most, string? title, bool isWhole = false)
    {
        foreach (double tick in X.Ticks(most).Where(t => !isWhole || double.IsInteger(t)))
        {
            yield return Svg.Line("grid", X.At(tick), Top, X.At(tick), Bottom);
            yield return Svg.Text("tick", X.At(tick), Bottom + Gap + 10, Ticks.Text(tick), "middle");
        }

        yield return Svg.Line("axis", X.From, Bottom, X.To, Bottom);
        if (title is not null) yield return Svg.Text("axis-title", (X.From + X.To) / 2, Bottom + 36, title, "middle");
    }

    /// <summary>Lines and labels of the vertical axis.</summary>
    /// <param name="most">Most ticks.</param>
    /// <param name="title">What is measured, with its unit; null for none.</param>
    /// <param name="hasLabels">Whether numbers are written.</param>
    public IEnumerable<XElement> Vertical(int most, string? title, bool hasLabels = true)
    {
        foreach (double tick in Y.Ticks(most))
        {
            yield return Svg.Line("grid", X.From, Y.At(tick), X.To, Y.At(tick));
            if (hasLabels) yield return Svg.Text("tick", X.From - Gap, Y.At(tick) + 4, Ticks.Text(tick), "end");
        }

        yield return Svg.Line("axis", X.From, Top, X.From, Bottom);
        if (title is not null) yield return Svg.TextUpwards("axis-title", X.From - 52, (Top + Bottom) / 2, title);
    }
}
