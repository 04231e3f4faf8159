using System.Globalization;
using System.Xml.Linq;

namespace Halfbit.Reports;

/// <summary>Elements of a drawing. Colours come from style classes, so that one drawing serves light and dark pages.</summary>
internal static class Svg
{
    /// <summary>Size of text, in the drawing's units.</summary>
    public const double TextSize = 12;

    /// <summary>Mean width of a character at that size; system fonts differ by a tenth or so.</summary>
    private const double CharacterWidth = 6.3;

    /// <summary>A coordinate: at most two digits after the point.</summary>
    public static string Number(double value) => Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A straight line.</summary>
    public static XElement Line(string style, double x1, double y1, double x2, double y2) => new(
        "line", new XAttribute("class", style), new XAttribute("x1", Number(x1)), new XAttribute("y1", Number(y1)), new XAttribute("x2", Number(x2)), new XAttribute("y2", Number(y2)));

    /// <summary>A rectangle.</summary>
    public static XElement Rectangle(string style, double x, double y, double width, double height) => new(
        "rect", new XAttribute("class", style), new XAttribute("x", Number(x)), new XAttribute("y", Number(y)), new XAttribute("width", Number(width)), new XAttribute("height", Number(height)));

    /// <summary>A path.</summary>
    public static XElement Path(string style, string d) => new("path", new XAttribute("class", style), new XAttribute("d", d));

    /// <summary>A line of text.</summary>
    /// <param name="style">Style classes.</param>
    /// <param name="x">Place of the anchor.</param>
    /// <param name="y">Baseline.</param>
    /// <param name="text">The text.</param>
    /// <param name="anchor">start, middle or end.</param>
    public static XElement Text(string style, double x, double y, string text, string anchor = "start") => new(
        "text", new XAttribute("class", style), new XAttribute("x", Number(x)), new XAttribute("y", Number(y)), new XAttribute("text-anchor", anchor), Printable.Of(text));

    /// <summary>Text that runs upwards, centred on a point.</summary>
    public static XElement TextUpwards(string style, double x, double y, string text)
    {
        XElement element = Text(style, x, y, text, "middle");
        element.Add(new XAttribute("transform", $"rotate(-90 {Number(x)} {Number(y)})"));
        return element;
    }

    /// <summary>A group of elements with a text that pointing devices show and screen readers read.</summary>
    public static XElement Group(string style, string title, params IEnumerable<XElement> content)
        => new("g", new XAttribute("class", style), new XElement("title", Printable.Of(title)), content);

    /// <summary>A text cut to a width, with an ellipsis where something is missing.</summary>
    public static string Fit(string text, double width)
    {
        int most = Math.Max(4, (int)(width / CharacterWidth));
        return text.Length <= most ? text : text[..(most - 1)].TrimEnd() + "…";
    }

    /// <summary>Roughly how wide a text is.</summary>
    public static double WidthOf(string text) => text.Length * CharacterWidth;
}
