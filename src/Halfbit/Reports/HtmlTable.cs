using System.Xml.Linq;

namespace Halfbit.Reports;

/// <summary>A table of a page: the first column names the row, numbers stand right.</summary>
internal sealed class HtmlTable
{
    private readonly XElement head = new("tr");
    private readonly XElement body = new("tbody");
    private readonly string caption;
    private readonly List<bool> isText = [];

    /// <summary>An empty table.</summary>
    /// <param name="caption">What it holds.</param>
    /// <param name="columns">Headings with units; those that begin with ' (an apostrophe, not shown) hold text, as the first one does.</param>
    public HtmlTable(string caption, params IEnumerable<string> columns)
    {
        this.caption = caption;
        foreach (string column in columns)
        {
            isText.Add(isText.Count == 0 || column.StartsWith('\''));
            head.Add(new XElement("th", new XAttribute("scope", "col"), isText[^1] ? new XAttribute("class", "text") : null, Printable.Of(column.TrimStart('\''))));
        }
    }

    /// <summary>Adds a row.</summary>
    /// <param name="name">Its heading: text, or elements.</param>
    /// <param name="cells">One per further column; null is shown as a dash.</param>
    /// <param name="style">Style class of the row, or null.</param>
    public void Add(object name, IEnumerable<object?> cells, string? style = null)
    {
        var row = new XElement("tr", style is null ? null : new XAttribute("class", style), new XElement("th", new XAttribute("scope", "row"), Clean(name)));
        int column = 1;
        foreach (object? cell in cells) row.Add(new XElement("td", isText[column++] ? new XAttribute("class", "text") : null, Clean(cell ?? "–")));
        body.Add(row);
    }

    /// <summary>Adds a row whose cells are one text.</summary>
    public void AddNote(object name, string note)
        => body.Add(new XElement(
            "tr", new XAttribute("class", "failed"), new XElement("th", new XAttribute("scope", "row"), Clean(name)),
            new XElement("td", new XAttribute("class", "text"), new XAttribute("colspan", isText.Count - 1), Printable.Of(note))));

    /// <summary>The table, in a frame that scrolls, by keys too, when it is too wide.</summary>
    public XElement ToElement() => new(
        "div", new XAttribute("class", "scroll"), new XAttribute("tabindex", "0"), new XElement("table", new XElement("caption", Printable.Of(caption)), new XElement("thead", head), body));

    private static object Clean(object content) => content is string text ? Printable.Of(text) : content;
}
