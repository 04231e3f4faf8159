using System.Text;
using System.Xml;
using System.Xml.Linq;
using Halfbit.Checkpoints;

namespace Halfbit.Reports;

/// <summary>A comparison as one HTML page that needs nothing else: no network, no script, readable in light and dark, every plot with its values as a table.</summary>
/// <remarks>The page is also well-formed XML. It holds no date and no machine's name: the same measurements make the same page.</remarks>
public static class ComparisonReport
{
    private const string Front = "yes";

    /// <summary>Writes the page; the file is complete or absent.</summary>
    /// <param name="path">File to write or replace.</param>
    /// <param name="result">The comparison.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, ComparisonResult result) => AtomicFile.WriteText(path, ToHtml(result));

    /// <summary>The page as text.</summary>
    /// <param name="result">The comparison.</param>
    public static string ToHtml(ComparisonResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        string title = $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(result.Model))}: compression methods compared";
        Figure?[] figures = [ScatterPlot.Create(result), BitsPlot.Create(result), ErrorPlot.Create(result), CostPlot.Create(result)];
        var page = new XElement(
            "html", new XAttribute("lang", "en"),
            new XElement(
                "head",
                new XElement("meta", new XAttribute("charset", "utf-8")),
                new XElement("meta", new XAttribute("name", "viewport"), new XAttribute("content", "width=device-width, initial-scale=1")),
                new XElement("title", Printable.Of(title)),
                new XElement("style", "\n" + ReportStyle.Sheet + "\n")),
            new XElement(
                "body",
                new XElement("h1", Printable.Of(title)),
                new XElement("p", Printable.Of(Summary(result))),
                Overview(result),
                TaskColumns.Table(result)?.ToElement(),
                new XElement("p", new XAttribute("class", "note"), Printable.Of(Notes(result))),
                figures.OfType<Figure>().Select(f => f.ToElement()),
                Conditions(result)));
        var text = new StringBuilder("<!DOCTYPE html>\n");
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, IndentChars = " ", NewLineChars = "\n" })) page.WriteTo(writer);
        return text.Append('\n').ToString();
    }

    private static string Summary(ComparisonResult result)
    {
        ComparisonRow[] done = [.. result.Rows.Skip(1).Where(r => r.Error is null)];
        string[] front = [.. done.Where(r => result.ParetoFront.Contains(r.Name)).OrderBy(r => r.TrueBits)
            .Select(r => $"{r.Name} ({NumberText.Bits(r.TrueBits)} bits, perplexity {NumberText.Perplexity(r.Perplexity)})")];
        int failed = result.Rows.Count - 1 - done.Length;
        return $"{result.Rows.Count - 1} {(result.Rows.Count == 2 ? "method" : "methods")} on one model"
            + (failed == 0 ? "." : $", {failed} of them failed.")
            + $" The original takes {NumberText.Bits(result.Rows[0].TrueBits)} bits per weight and has perplexity {NumberText.Perplexity(result.Rows[0].Perplexity)}."
            + (front.Length == 0 ? "" : $" Worth their bits: {string.Join("; ", front)}.");
    }

    private static XElement Overview(ComparisonResult result)
    {
        IReadOnlyList<TextMeasurement> texts = result.Rows[0].Texts;
        bool hasDivergence = result.Rows.Any(r => r.KlDivergence is not null);
        bool hasPeak = result.Rows.Any(r => r.PeakMemoryBytes is not null);
        List<string> columns = ["model", "nominal bits", "true bits", "weights files, MB", texts.Count == 1 ? "perplexity" : "perplexity, all texts"];
        if (texts.Count > 1) columns.AddRange(texts.Select(t => "perplexity, " + Path.GetFileName(t.Text)));
        if (hasDivergence) columns.AddRange(["KL, nats", "equal top-1, %"]);
        columns.Add("seconds");
        if (hasPeak) columns.Add("peak memory, MB");
        columns.Add("'on the front");
        var table = new HtmlTable("All models; bits are per weight of the quantized layers", columns);
        for (int i = 0; i < result.Rows.Count; i++)
        {
            ComparisonRow row = result.Rows[i];
            object name = i == 0 ? row.Name : Named(row, new SeriesStyle(i - 1));
            if (row.Error is not null)
            {
                table.AddNote(name, "failed: " + row.Error);
                continue;
            }

            List<object?> cells = [NumberText.Bits(row.NominalBits), NumberText.Bits(row.TrueBits), NumberText.Megabytes(row.Bytes, 1), NumberText.Perplexity(row.Perplexity)];
            if (texts.Count > 1) cells.AddRange(row.Texts.Select(t => NumberText.Perplexity(t.Result.Value)));
            if (hasDivergence) cells.AddRange([NumberText.Nats(row.KlDivergence), NumberText.Percent(row.Top1Agreement)]);
            cells.Add(i == 0 ? null : NumberText.Seconds(row.Seconds));
            if (hasPeak) cells.Add(NumberText.Megabytes(row.PeakMemoryBytes));
            bool isOnFront = result.ParetoFront.Contains(row.Name);
            cells.Add(isOnFront ? Front : "no");
            table.Add(name, cells, isOnFront ? "front" : null);
        }

        return table.ToElement();
    }

    private static XNode[] Named(ComparisonRow row, SeriesStyle style) =>
    [
        new XElement("svg", new XAttribute("class", "swatch"), new XAttribute("viewBox", "0 0 16 16"), new XAttribute("aria-hidden", "true"), style.Mark(8, 8, 5)),
        new XText(Printable.Of(row.Name)),
    ];

    private static string Notes(ComparisonResult result)
    {
        string text = "True bits count every byte stored for the blocks' linear layers; nominal bits follow the papers. The weights files also hold embeddings and head, which no method changes. "
            + "A model is on the front when no other one has fewer bits and less perplexity.";
        if (result.Calibration is not null) text += $" Seconds do not hold the {NumberText.Seconds(result.CalibrationSeconds)} s that all methods share.";
        if (result.PeakMemoryNote is not null) text += $" Peak memory per method is not known: {result.PeakMemoryNote}.";
        return text;
    }

    /// <summary>What is needed to measure the same again.</summary>
    private static XElement Conditions(ComparisonResult result)
    {
        var options = new HtmlTable("Methods with all their options", "model", "'method", "'options");
        foreach (ComparisonRow row in result.Rows.Skip(1)) options.Add(row.Name, [row.Method, string.Join(", ", row.Options.Select(o => $"{o.Key} {o.Value}"))]);
        var list = new XElement("dl");
        Add("model", result.Model);
        Add("calibration", result.Calibration is null ? "none was needed" : result.Calibration);
        foreach (TextMeasurement text in result.Rows[0].Texts)
            Add("perplexity on", FormattableString.Invariant($"{text.Text}: {text.Result.PredictedTokens} predictions in {text.Result.Windows} windows of {text.Result.Window} tokens, consecutive, not overlapping, each from position 0"));
        if (result.TaskConditions is string tasks) Add("zero-shot tasks", tasks);
        Add("measured by", $"Halfbit {typeof(ComparisonReport).Assembly.GetName().Version?.ToString(3)}");
        return new XElement("section", new XElement("h2", "Conditions"), list, options.ToElement());

        void Add(string term, string value) => list.Add(new XElement("dt", term), new XElement("dd", Printable.Of(value)));
    }
}
