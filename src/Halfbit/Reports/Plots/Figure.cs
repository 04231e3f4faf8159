using System.Xml.Linq;

namespace Halfbit.Reports;

/// <summary>A plot with all that tells its content without seeing it.</summary>
/// <param name="Id">Unique in the page, a word.</param>
/// <param name="Title">Its heading.</param>
/// <param name="Description">What is drawn, and what it says: a sentence or two.</param>
/// <param name="Width">Width of the drawing.</param>
/// <param name="Height">Height of the drawing.</param>
/// <param name="Content">The drawing.</param>
/// <param name="Table">Its values.</param>
/// <param name="Legend">Elements above the drawing, or null when it needs none.</param>
internal sealed record Figure(string Id, string Title, string Description, double Width, double Height, IReadOnlyList<XElement> Content, XElement Table, XElement? Legend = null)
{
    /// <summary>Width of drawings, in units of about a pixel.</summary>
    public const double UsualWidth = 880;

    /// <summary>The figure as an element of the page.</summary>
    public XElement ToElement() => new(
        "figure",
        new XAttribute("aria-labelledby", Id + "-heading"),
        new XElement("h2", new XAttribute("id", Id + "-heading"), Title),
        new XElement("figcaption", Printable.Of(Description)),
        Legend,
        new XElement("div", new XAttribute("class", "scroll"), new XAttribute("tabindex", "0"), new XElement(
            "svg",
            new XAttribute("viewBox", $"0 0 {Svg.Number(Width)} {Svg.Number(Height)}"),
            new XAttribute("role", "img"),
            new XAttribute("aria-labelledby", $"{Id}-title {Id}-description"),
            new XElement("title", new XAttribute("id", Id + "-title"), Title),
            new XElement("desc", new XAttribute("id", Id + "-description"), Printable.Of(Description)),
            Content)),
        new XElement("details", new XElement("summary", "The values of this plot"), Table));
}
